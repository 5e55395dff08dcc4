// sidecar.json of an exported bundle: what calosim_tf/bundle/sidecar.py writes, checked as there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "calosim/json.hpp"
#include "calosim/latents.hpp"
#include "calosim/normalisation.hpp"
#include "calosim/sha256.hpp"

namespace calosim {

/// A network in one format.
struct ModelFile {
    std::string path, sha256, latent_name, condition_name, output_name, signature, dtype;
    std::uint64_t bytes = 0;
    std::size_t batch = 0;  ///< showers per call; 0 for any number
};

/// One generator of a bundle, with its physics.
struct Network {
    std::string name;
    double low_mev = -std::numeric_limits<double>::infinity();  ///< incident energies that it makes
    double high_mev = std::numeric_limits<double>::infinity();
    LatentLaw latent;
    std::shared_ptr<const Normalisation> law;
    std::size_t condition_size = 0;
    std::map<std::string, std::vector<ModelFile>> files;  ///< by format, ascending in batch
};

struct Layer {
    std::size_t first_cell, rows, columns;  ///< angular bins and rings, or rows and columns of cells
};

struct Sidecar {
    std::filesystem::path folder;
    std::string experiment, detector, particle, cell_order;
    std::vector<std::string> attributes;
    std::vector<std::optional<double>> central;  ///< none for a value that is the incident energy in GeV
    std::vector<Layer> layers;
    std::vector<Network> networks;
    std::size_t n_cells = 0;
    double threshold_mev = 0.0;  ///< of the community's evaluation; the bundle itself cuts nothing
};

namespace detail {

constexpr std::size_t most_cells = 10'000'000, most_latents = 1'000'000;

inline ModelFile read_file(const Json& stored) {
    ModelFile file;
    file.path = stored.at("path").get<std::string>();
    if (file.path.empty() || file.path[0] == '.' || file.path.find_first_of("/\\") != std::string::npos) {
        fail("found the file name '", file.path, "', expected a plain name inside the bundle");
    }
    file.sha256 = stored.at("sha256").get<std::string>();
    file.bytes = as_whole(stored.at("bytes"), "bytes", 0, std::numeric_limits<std::int64_t>::max());
    file.batch = stored.at("batch").is_null() ? 0 : whole(stored, "batch", 1, most_latents);
    file.latent_name = stored.at("inputs").at(0).get<std::string>();
    file.condition_name = stored.at("inputs").at(1).get<std::string>();
    file.output_name = stored.at("output").get<std::string>();
    file.signature = stored.at("signature").get<std::string>();
    file.dtype = stored.at("dtype").get<std::string>();
    return file;
}

inline LatentLaw read_latent(const Json& stored) {
    LatentLaw law;
    law.size = whole(stored, "size", 1, most_latents);
    law.kind = LatentLaw::kind_of(stored.at("law").get<std::string>());
    law.mean = static_cast<float>(number(stored, "mean"));
    law.std = static_cast<float>(number(stored, "std"));
    law.low = static_cast<float>(number(stored, "low"));
    law.high = static_cast<float>(number(stored, "high"));
    return law;
}

inline Network read_network(const Json& stored, const Sidecar& sidecar) {
    Network network;
    network.name = stored.at("name").get<std::string>();
    if (const Json& range = stored.at("energy_range_mev"); !range.is_null()) {
        if (!range.at(0).is_null()) network.low_mev = as_number(range.at(0), "energy_range_mev");
        if (!range.at(1).is_null()) network.high_mev = as_number(range.at(1), "energy_range_mev");
    }
    network.latent = read_latent(stored.at("latent"));
    const std::size_t attributes = sidecar.attributes.size();
    network.law = make_normalisation(stored.at("normalisation"), sidecar.n_cells, attributes);
    network.condition_size = network.law->condition_size(attributes);
    std::size_t outputs = 1;
    for (const Json& size : stored.at("output_shape")) outputs *= as_whole(size, "output_shape", 1, most_cells);
    if (outputs != network.law->outputs()) {
        fail("network ", network.name, ": found ", outputs, " outputs, expected ", network.law->outputs());
    }
    if (const std::size_t found = stored.at("condition").at("names").size(); found != network.condition_size) {
        fail("network ", network.name, ": found a condition of ", found, ", expected ", network.condition_size);
    }
    for (const auto& [format, files] : stored.at("files").items()) {
        for (const Json& file : files) network.files[format].push_back(read_file(file));
    }
    return network;
}

inline void read_detector(const Json& stored, Sidecar& sidecar) {
    sidecar.experiment = stored.at("experiment").get<std::string>();
    sidecar.detector = stored.at("detector").get<std::string>();
    sidecar.particle = stored.at("particle").get<std::string>();
    sidecar.cell_order = stored.at("cell_order").get<std::string>();
    sidecar.n_cells = whole(stored, "n_cells", 1, most_cells);
    sidecar.threshold_mev = number(stored, "threshold_mev");
    sidecar.attributes = stored.at("attributes").get<std::vector<std::string>>();
    for (const Json& value : stored.at("central")) {
        sidecar.central.push_back(value.is_null() ? std::nullopt : std::optional(as_number(value, "central")));
    }
    if (sidecar.central.size() != sidecar.attributes.size()) {
        fail("found ", sidecar.central.size(), " central values, expected ", sidecar.attributes.size());
    }
    std::size_t cells = 0;
    for (const Json& layer : stored.at("layers")) {
        const Json& shape = layer.at("shape");
        const Layer found{whole(layer, "first_cell", 0, most_cells), as_whole(shape.at(0), "shape", 1, most_cells),
                          as_whole(shape.at(1), "shape", 1, most_cells)};
        if (found.first_cell != cells) fail("layer: found first_cell ", found.first_cell, ", expected ", cells);
        cells += found.rows * found.columns;
        sidecar.layers.push_back(found);
    }
    if (cells != sidecar.n_cells) fail("found layers of ", cells, " cells, expected ", sidecar.n_cells);
}

}  // namespace detail

/// Sidecar of a bundle; Error where it is missing, damaged or contradicts itself.
inline Sidecar read_sidecar(const std::filesystem::path& folder) {
    const std::filesystem::path path = folder / "sidecar.json";
    const Json stored = read_json(path, "the sidecar of an exported bundle");
    try {
        if (const Json& schema = stored.at("schema"); schema != 1) {
            fail("found schema ", schema.dump(), ", expected 1: export again with the version of these headers");
        }
        Sidecar sidecar;
        sidecar.folder = folder;
        detail::read_detector(stored, sidecar);
        for (const Json& network : stored.at("networks")) {
            sidecar.networks.push_back(detail::read_network(network, sidecar));
            const std::size_t last = sidecar.networks.size() - 1;
            if (last > 0 && !(sidecar.networks[last - 1].low_mev < sidecar.networks[last].low_mev)) {
                fail("found networks out of order, expected them ascending in energy");
            }
        }
        if (sidecar.networks.empty()) fail("found no network, expected at least one");
        return sidecar;
    } catch (const Json::exception& error) {
        fail(path.string(), ": found no usable sidecar (", error.what(), "): export the bundle again");
    } catch (const Error& error) {
        fail(path.string(), ": ", error.what());
    }
}

/// Path of a file of a bundle that is the one that the sidecar names; Error otherwise.
inline std::filesystem::path sound_file(const std::filesystem::path& folder, const ModelFile& file) {
    namespace fs = std::filesystem;
    const fs::path path = folder / file.path;
    std::error_code problem;
    if (!fs::exists(path, problem) || fs::is_symlink(path, problem)) {
        fail(path.string(), ": found no such file, expected what the sidecar names: export the bundle again");
    }
    if (const auto found = size_of(path); found != file.bytes) {
        fail(path.string(), ": found ", found, " bytes, expected the ", file.bytes, " of the sidecar: export again");
    }
    if (const auto found = sum_of(path); found != file.sha256) {
        fail(path.string(), ": found sha256 ", found.substr(0, 12), ", expected the ", file.sha256.substr(0, 12),
             " of the sidecar: export the bundle again");
    }
    return path;
}

}  // namespace calosim
