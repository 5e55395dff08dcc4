// From a particle to the condition of a network, and from its outputs to cells in MeV.
//
// One class for each kind of record that calosim_tf/data/normalisations.py knows, under the same name.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "calosim/error.hpp"
#include "calosim/json.hpp"

namespace calosim {

/// The physics around a network.
class Normalisation {
public:
    double mass_mev, kin_min_mev, kin_max_mev;

    Normalisation(const Json& record, std::size_t cells)
        : mass_mev(number(record, "mass_mev")),
          kin_min_mev(number(record, "kin_min_mev")),
          kin_max_mev(number(record, "kin_max_mev")),
          cells_(cells) {
        if (!(mass_mev >= 0.0 && kin_min_mev > 0.0 && kin_max_mev > kin_min_mev)) {
            fail("normalisation: found mass ", mass_mev, " and kinetic energies ", kin_min_mev, " to ", kin_max_mev,
                 " MeV, expected a mass >= 0 and an ascending range above 0");
        }
    }
    virtual ~Normalisation() = default;

    /// sqrt(p^2 + m^2) - m without cancellation.
    double kinetic_mev(double incident_mev) const {
        const double square = incident_mev * incident_mev;
        return square / (std::sqrt(square + mass_mev * mass_mev) + mass_mev);
    }

    /// Numbers that condition the network, for a detector with so many attributes.
    virtual std::size_t condition_size(std::size_t attributes) const = 0;
    /// Numbers that the network gives for one shower.
    virtual std::size_t outputs() const { return cells_; }
    virtual void condition(double incident_mev, const double* attributes, std::size_t count, float* out) const = 0;
    virtual void to_mev(const float* outputs, double incident_mev, float* cells_mev) const = 0;

protected:
    std::size_t cells_;
};

namespace detail {

inline std::vector<double> numbers(const Json& record, const char* key) {
    if (!record.contains(key)) return {};
    std::vector<double> values;
    for (const Json& item : record.at(key)) values.push_back(as_number(item, key));
    return values;
}

/// Attributes less their mean over their spread, float32; as they are where the record has no spread.
class Standardised {
public:
    explicit Standardised(const Json& record)
        : mean_(numbers(record, "condition_mean")), std_(numbers(record, "condition_std")) {
        if (mean_.size() != std_.size() || std::any_of(std_.begin(), std_.end(), [](double x) { return x <= 0.0; })) {
            fail("normalisation: found ", mean_.size(), " means and ", std_.size(),
                 " spreads of the condition, expected as many of both, spreads above 0");
        }
    }
    std::size_t size() const { return mean_.size(); }
    float at(const double* attributes, std::size_t i) const {
        return static_cast<float>(mean_.empty() ? attributes[i] : (attributes[i] - mean_[i]) / std_[i]);
    }

private:
    std::vector<double> mean_, std_;
};

}  // namespace detail

/// Voxels over kinetic energy.
class KineticNormalisation : public Normalisation {
public:
    KineticNormalisation(const Json& record, std::size_t cells)
        : Normalisation(record, cells),
          logarithm_(record.value("energy_label", std::string("log")) != "max"),
          size_(whole_or(record, "condition_size", 1, 1, 1000)) {
        if (!record.contains("response")) return;
        for (const Json& pair : record.at("response")) {
            const double knot = as_number(pair.at(0), "response"), value = as_number(pair.at(1), "response");
            const double x = std::log(knot);
            if (!(knot > 0.0) || (!knots_.empty() && !(x > knots_.back().first))) {
                fail("normalisation: response: found ", knot, " MeV, expected ascending energies above 0");
            }
            knots_.emplace_back(x, value);
        }
    }

    std::size_t condition_size(std::size_t) const override { return size_; }

    void condition(double incident_mev, const double*, std::size_t, float* out) const override {
        const double kinetic = kinetic_mev(incident_mev);
        std::fill_n(out, size_, 0.0F);
        out[0] = static_cast<float>(logarithm_ ? std::log(kinetic / kin_min_mev) / std::log(kin_max_mev / kin_min_mev)
                                               : kinetic / kin_max_mev);
    }

    void to_mev(const float* outputs, double incident_mev, float* cells_mev) const override {
        const float unit = unit_mev(incident_mev);
        for (std::size_t i = 0; i < cells_; ++i) cells_mev[i] = outputs[i] * unit;
    }

protected:
    /// Energy that counts as 1.
    float unit_mev(double incident_mev) const {
        const double kinetic = kinetic_mev(incident_mev);
        return static_cast<float>(knots_.empty() ? kinetic : kinetic * response(std::log(kinetic)));
    }

private:
    double response(double x) const {
        if (x <= knots_.front().first) return knots_.front().second;
        if (x >= knots_.back().first) return knots_.back().second;
        const auto above = std::upper_bound(knots_.begin(), knots_.end(), x,
                                            [](double value, const auto& knot) { return value < knot.first; });
        const auto below = above - 1;
        return below->second + (above->second - below->second) * (x - below->first) / (above->first - below->first);
    }

    bool logarithm_;
    std::size_t size_;
    std::vector<std::pair<double, double>> knots_;  // ln of the kinetic energy in MeV, mean response
};

/// Voxels over the sum of their layer, layers over the sum of all, the sum over the kinetic energy.
class LayerNormalisation : public KineticNormalisation {
public:
    LayerNormalisation(const Json& record, std::size_t cells)
        : KineticNormalisation(record, cells), sizes_(layer_sizes(record, cells)) {}

    std::size_t outputs() const override { return cells_ + sizes_.size() + 1; }

    void to_mev(const float* outputs, double incident_mev, float* cells_mev) const override {
        const float total = outputs[cells_ + sizes_.size()] * unit_mev(incident_mev);
        std::size_t cell = 0;
        for (std::size_t layer = 0; layer < sizes_.size(); ++layer) {
            const float energy = outputs[cells_ + layer] * total;
            for (const std::size_t end = cell + sizes_[layer]; cell < end; ++cell) {
                cells_mev[cell] = outputs[cell] * energy;
            }
        }
    }

    static std::vector<std::size_t> layer_sizes(const Json& record, std::size_t cells) {
        std::vector<std::size_t> sizes;
        std::size_t sum = 0;
        for (const Json& item : record.at("layer_sizes")) {
            sizes.push_back(as_whole(item, "layer_sizes", 1, cells));
            sum += sizes.back();
        }
        if (sum != cells) fail("normalisation: found layers of ", sum, " cells, expected ", cells);
        return sizes;
    }

private:
    std::vector<std::size_t> sizes_;
};

/// Cells of one layer in a unit, or ln(1 + E / unit) of them; the attributes as condition.
class CellNormalisation : public Normalisation {
public:
    CellNormalisation(const Json& record, std::size_t cells, bool logarithm, float unit_mev = 1.0F)
        : Normalisation(record, cells), attributes_(record), logarithm_(logarithm), unit_mev_(unit_mev) {}

    std::size_t condition_size(std::size_t attributes) const override { return attributes; }

    void condition(double, const double* attributes, std::size_t count, float* out) const override {
        for (std::size_t i = 0; i < count; ++i) out[i] = attributes_.at(attributes, i);
    }

    void to_mev(const float* outputs, double, float* cells_mev) const override {
        for (std::size_t i = 0; i < cells_; ++i) {
            cells_mev[i] = unit_mev_ * (logarithm_ ? std::expm1(outputs[i]) : outputs[i]);
        }
    }

    std::size_t standardised() const { return attributes_.size(); }

private:
    detail::Standardised attributes_;
    bool logarithm_;
    float unit_mev_;
};

/// Cells in GeV; kinetic energy in GeV and the attributes as condition.
class GevNormalisation : public Normalisation {
public:
    GevNormalisation(const Json& record, std::size_t cells)
        : Normalisation(record, cells), energy_alone_(whole_or(record, "condition_size", 5, 1, 1000) == 1) {}

    std::size_t condition_size(std::size_t attributes) const override { return energy_alone_ ? 1 : 1 + attributes; }

    void condition(double incident_mev, const double* attributes, std::size_t count, float* out) const override {
        out[0] = static_cast<float>(kinetic_mev(incident_mev) / 1e3);
        if (!energy_alone_) std::copy_n(attributes, count, out + 1);
    }

    void to_mev(const float* outputs, double, float* cells_mev) const override {
        for (std::size_t i = 0; i < cells_; ++i) cells_mev[i] = outputs[i] * 1e3F;
    }

private:
    bool energy_alone_;
};

/// Cells and the incident energy of the file in 100 GeV; below 0.01 MeV a cell is empty.
class HundredGevNormalisation : public Normalisation {
public:
    using Normalisation::Normalisation;

    std::size_t condition_size(std::size_t) const override { return 1; }

    void condition(double incident_mev, const double*, std::size_t, float* out) const override {
        out[0] = static_cast<float>(incident_mev / 1e5);
    }

    void to_mev(const float* outputs, double, float* cells_mev) const override {
        for (std::size_t i = 0; i < cells_; ++i) {
            const float cell = outputs[i] * 1e5F;
            cells_mev[i] = cell < 0.01F ? 0.0F : cell;
        }
    }
};

/// Cells in MeV as they are, layer after layer, and 0 below a threshold; kinetic energy in GeV as condition.
class MevCubeNormalisation : public Normalisation {
public:
    MevCubeNormalisation(const Json& record, std::size_t cells)
        : Normalisation(record, cells), least_mev_(static_cast<float>(record.value("least_mev", 0.1))) {}

    std::size_t condition_size(std::size_t) const override { return 1; }

    void condition(double incident_mev, const double*, std::size_t, float* out) const override {
        out[0] = static_cast<float>(kinetic_mev(incident_mev) / 1e3);
    }

    void to_mev(const float* outputs, double, float* cells_mev) const override {
        for (std::size_t i = 0; i < cells_; ++i) cells_mev[i] = outputs[i] < least_mev_ ? 0.0F : outputs[i];
    }

private:
    float least_mev_;
};

/// A cube of cells in GeV with axes x, y, z, which become layers z of rows x and columns y.
class CubeNormalisation : public Normalisation {
public:
    CubeNormalisation(const Json& record, std::size_t cells)
        : Normalisation(record, cells), with_angle_(record.value("with_angle", false)) {
        const Json& shape = record.at("cells");
        plane_ = as_whole(shape.at(0), "cells", 1, cells) * as_whole(shape.at(1), "cells", 1, cells);
        depth_ = as_whole(shape.at(2), "cells", 1, cells);
        if (plane_ * depth_ != cells)
            fail("normalisation: found a cube of ", plane_ * depth_, " cells, expected ", cells);
    }

    std::size_t condition_size(std::size_t attributes) const override { return with_angle_ ? 1 + attributes : 1; }

    void condition(double incident_mev, const double* attributes, std::size_t count, float* out) const override {
        out[0] = static_cast<float>(kinetic_mev(incident_mev) / 1e5);
        if (with_angle_) std::copy_n(attributes, count, out + 1);
    }

    void to_mev(const float* outputs, double, float* cells_mev) const override {
        for (std::size_t z = 0; z < depth_; ++z) {
            for (std::size_t i = 0; i < plane_; ++i) cells_mev[z * plane_ + i] = outputs[i * depth_ + z] * 1e3F;
        }
    }

private:
    bool with_angle_;
    std::size_t plane_ = 0, depth_ = 0;
};

/// Cells in MeV; ln of the kinetic energy, the attributes, and -1 for each layer: the network draws its energy.
class LayerEnergyNormalisation : public Normalisation {
public:
    LayerEnergyNormalisation(const Json& record, std::size_t cells)
        : Normalisation(record, cells),
          attributes_(record),
          layers_(LayerNormalisation::layer_sizes(record, cells).size()) {}

    std::size_t condition_size(std::size_t) const override { return 1 + attributes_.size() + layers_; }

    void condition(double incident_mev, const double* attributes, std::size_t, float* out) const override {
        *out++ = static_cast<float>(std::log(kinetic_mev(incident_mev)));
        for (std::size_t i = 0; i < attributes_.size(); ++i) *out++ = attributes_.at(attributes, i);
        std::fill_n(out, layers_, -1.0F);
    }

    void to_mev(const float* outputs, double, float* cells_mev) const override {
        for (std::size_t i = 0; i < cells_; ++i) cells_mev[i] = outputs[i] < 1e-3F ? 0.0F : outputs[i];
    }

    std::size_t standardised() const { return attributes_.size(); }

private:
    detail::Standardised attributes_;
    std::size_t layers_;
};

/// The normalisation of a record for a detector with so many cells and attributes.
inline std::unique_ptr<Normalisation> make_normalisation(const Json& record, std::size_t cells,
                                                         std::size_t attributes) {
    const std::string kind = record.value("kind", std::string("kinetic"));
    const auto standardised = [attributes](auto law) {
        if (const std::size_t found = law->standardised(); found != 0 && found != attributes) {
            fail("normalisation: found ", found, " standardised attributes, expected 0 or ", attributes);
        }
        return law;
    };
    if (kind == "kinetic") return std::make_unique<KineticNormalisation>(record, cells);
    if (kind == "layer") return std::make_unique<LayerNormalisation>(record, cells);
    if (kind == "log_cells") return standardised(std::make_unique<CellNormalisation>(record, cells, true));
    if (kind == "mev_cells") return standardised(std::make_unique<CellNormalisation>(record, cells, false));
    if (kind == "jet_pixels") return standardised(std::make_unique<CellNormalisation>(record, cells, false, 1e5F));
    if (kind == "gev") return std::make_unique<GevNormalisation>(record, cells);
    if (kind == "hundred_gev") return std::make_unique<HundredGevNormalisation>(record, cells);
    if (kind == "cube") return std::make_unique<CubeNormalisation>(record, cells);
    if (kind == "mev_cube") return std::make_unique<MevCubeNormalisation>(record, cells);
    if (kind == "layer_energies") return standardised(std::make_unique<LayerEnergyNormalisation>(record, cells));
    fail("normalisation: found kind '", kind,
         "', expected kinetic, layer, log_cells, mev_cells, jet_pixels, gev, hundred_gev, cube, mev_cube or "
         "layer_energies");
}

}  // namespace calosim
