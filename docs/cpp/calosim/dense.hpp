// Dense networks without any runtime: the lwtnn JSON of a bundle in Eigen.
#pragma once

// Work space of a matrix product is taken from the stack, so that a shower allocates nothing (at most a few MB)
#ifndef EIGEN_STACK_ALLOCATION_LIMIT
#define EIGEN_STACK_ALLOCATION_LIMIT (1 << 22)
#endif

#include <Eigen/Core>
#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "calosim/backend.hpp"
#include "calosim/json.hpp"

namespace calosim {

/// The graph that calosim_tf/export/lwtnn.py writes: inputs, concatenations and dense layers.
class DenseBackend : public Backend {
public:
    DenseBackend(const std::filesystem::path& folder, const ModelFile& file, const Sizes& sizes) : sizes_(sizes) {
        const auto path = sound_file(folder, file);
        const Json graph = read_json(path, "a network in lwtnn's graph format");
        try {
            read(graph);
        } catch (const Json::exception& error) {
            fail(path.string(), ": found no usable network (", error.what(), "): export the bundle again");
        } catch (const Error& error) {
            fail(path.string(), ": ", error.what());
        }
    }

    std::unique_ptr<Runner> runner(std::size_t largest) const override;

private:
    friend class DenseRunner;
    // a shower is a column, so that its numbers lie one after another
    using Matrix = Eigen::MatrixXf;

    enum class Activation { linear, rectified, swish, softmax, leakyrelu };

    struct Node {
        std::vector<std::size_t> sources;
        std::size_t size = 0;
        int input = -1;    ///< 0 latent, 1 condition
        Matrix weights{};  ///< outputs x inputs; empty for a concatenation
        Eigen::VectorXf bias{};
        Activation activation = Activation::linear;
        float slope = 1.0F;
        Eigen::VectorXf offset{}, scale{};
    };

    void read(const Json& graph) {
        for (const Json& stored : graph.at("nodes")) {
            const std::string type = stored.at("type").get<std::string>();
            Node node;
            const std::size_t before = nodes_.size();
            if (type == "input") {
                read_input(graph.at("inputs").at(as_whole(stored.at("sources").at(0), "sources", 0, 1)), node);
            } else {
                for (const Json& source : stored.at("sources")) {
                    if (before == 0) fail("found a node without a node before it");
                    node.sources.push_back(as_whole(source, "sources", 0, before - 1));
                }
                if (node.sources.empty()) fail("found a node of type ", type, " without sources");
                if (type == "concatenate") {
                    for (const std::size_t source : node.sources) node.size += nodes_[source].size;
                } else if (type == "feed_forward") {
                    read_dense(graph.at("layers").at(whole(stored, "layer_index", 0, graph.at("layers").size())), node);
                } else {
                    fail("found a node of type '", type, "', expected input, concatenate, feed_forward");
                }
            }
            nodes_.push_back(std::move(node));
        }
        const Json& outputs = graph.at("outputs");
        if (nodes_.empty() || outputs.size() != 1) fail("found no nodes or not one output, expected a network");
        output_ = whole(*outputs.begin(), "node_index", 0, nodes_.size() - 1);
        if (nodes_[output_].size != sizes_.outputs || nodes_[output_].input >= 0) {
            fail("found no output of ", sizes_.outputs,
                 " numbers as the sidecar says: the network is of another export");
        }
    }

    void read_input(const Json& stored, Node& node) {
        const std::string name = stored.at("name").get<std::string>();
        if (name != "latent" && name != "condition") fail("found input '", name, "', expected latent and condition");
        node.input = name == "latent" ? 0 : 1;
        node.size = node.input == 0 ? sizes_.latent : sizes_.condition;
        const Json& variables = stored.at("variables");
        if (variables.size() != node.size) {
            fail("input ", name, ": found ", variables.size(), " numbers, expected ", node.size,
                 " as the sidecar says: the network is of another export");
        }
        node.offset.resize(static_cast<long>(node.size));
        node.scale.resize(static_cast<long>(node.size));
        for (std::size_t i = 0; i < node.size; ++i) {
            node.offset[static_cast<long>(i)] = static_cast<float>(number(variables.at(i), "offset"));
            node.scale[static_cast<long>(i)] = static_cast<float>(number(variables.at(i), "scale"));
        }
    }

    void read_dense(const Json& stored, Node& node) {
        if (node.sources.size() != 1) fail("found a dense layer with ", node.sources.size(), " sources, expected 1");
        const std::size_t in = nodes_[node.sources[0]].size;
        const Json &bias = stored.at("bias"), &weights = stored.at("weights");
        node.size = bias.size();
        if (node.size == 0 || in == 0 || weights.size() != in * node.size) {
            fail("found ", weights.size(), " weights for ", in, " inputs and ", node.size, " outputs");
        }
        node.bias.resize(static_cast<long>(node.size));
        node.weights.resize(static_cast<long>(node.size), static_cast<long>(in));
        for (std::size_t row = 0; row < node.size; ++row) {
            node.bias[static_cast<long>(row)] = static_cast<float>(as_number(bias[row], "bias"));
            for (std::size_t column = 0; column < in; ++column) {
                node.weights(static_cast<long>(row), static_cast<long>(column)) =
                    static_cast<float>(as_number(weights[row * in + column], "weights"));
            }
        }
        read_activation(stored.at("activation"), node);
    }

    static void read_activation(const Json& stored, Node& node) {
        const std::string name = (stored.is_string() ? stored : stored.at("function")).get<std::string>();
        if (stored.is_object()) node.slope = static_cast<float>(number(stored, "alpha"));
        if (name == "linear")
            node.activation = Activation::linear;
        else if (name == "rectified")
            node.activation = Activation::rectified;
        else if (name == "swish")
            node.activation = Activation::swish;
        else if (name == "softmax")
            node.activation = Activation::softmax;
        else if (name == "leakyrelu")
            node.activation = Activation::leakyrelu;
        else
            fail("found activation '", name, "', expected linear, rectified, swish, softmax or leakyrelu");
    }

    Sizes sizes_;
    std::vector<Node> nodes_;
    std::size_t output_ = 0;
};

/// The values of all nodes in one thread.
class DenseRunner : public Runner {
public:
    DenseRunner(const DenseBackend& backend, const Sizes& sizes, std::size_t largest)
        : Runner(sizes, largest), backend_(backend) {
        for (const auto& node : backend.nodes_) {
            values_.emplace_back(static_cast<long>(node.size), static_cast<long>(largest));
        }
    }

    const float* run(std::size_t n) override {
        const auto columns = static_cast<long>(n);
        for (std::size_t i = 0; i < values_.size(); ++i) {
            const auto& node = backend_.nodes_[i];
            auto y = values_[i].leftCols(columns);
            if (node.input >= 0) {
                const float* from = node.input == 0 ? latent(0) : condition(0);
                y = Eigen::Map<const Eigen::MatrixXf>(from, y.rows(), columns);
                y.colwise() += node.offset;
                y.array().colwise() *= node.scale.array();
            } else if (node.weights.size() == 0) {
                long row = 0;
                for (const std::size_t source : node.sources) {
                    y.middleRows(row, values_[source].rows()) = values_[source].leftCols(columns);
                    row += values_[source].rows();
                }
            } else {
                dense(node, values_[node.sources[0]], y, columns);
            }
        }
        return values_[backend_.output_].data();
    }

private:
    template <class Columns>
    static void dense(const DenseBackend::Node& node, const Eigen::MatrixXf& x, Columns& y, long columns) {
        using Activation = DenseBackend::Activation;
        if (columns == 1) {
            y.col(0).noalias() = node.weights * x.col(0);
        } else {
            y.noalias() = node.weights * x.leftCols(columns);
        }
        y.colwise() += node.bias;
        switch (node.activation) {
            case Activation::linear:
                return;
            case Activation::rectified:
                y = y.cwiseMax(0.0F);
                return;
            case Activation::swish:
                y.array() /= 1.0F + (-node.slope * y.array()).exp();
                return;
            case Activation::leakyrelu:
                y = (y.array() > 0.0F).select(y, node.slope * y);
                return;
            case Activation::softmax:
                for (long column = 0; column < columns; ++column) {
                    auto powers = y.col(column).array();
                    powers = (powers - powers.maxCoeff()).exp();
                    powers /= powers.sum();
                }
        }
    }

    const DenseBackend& backend_;
    std::vector<Eigen::MatrixXf> values_;
};

inline std::unique_ptr<Runner> DenseBackend::runner(std::size_t largest) const {
    return std::make_unique<DenseRunner>(*this, sizes_, largest);
}

}  // namespace calosim
