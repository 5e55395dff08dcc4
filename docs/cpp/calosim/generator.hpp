// Showers of a bundle: routing by energy, latents, network, physics, and what becomes of negative voxels.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "calosim/backends.hpp"
#include "calosim/particle.hpp"

namespace calosim {

/// Energy in a cell; cells are numbered in the order of the detector.
struct Deposit {
    std::uint32_t cell;
    float mev;
};

/// The cells of a shower that hold energy, ascending.
using Shower = std::vector<Deposit>;

/// Voxels that a network made slightly negative.
enum class Negative {
    to_zero,      ///< as `calosim generate`
    keep,         ///< --no-clip
    keep_energy,  ///< --keep-energy: to zero, and the others scaled to the energy before
};

struct Options {
    std::string backend;  ///< dense, onnx, litert or tensorflow; empty for the first that can
    Negative negative = Negative::to_zero;
    double threshold_mev = 0.0;      ///< cells below it are left out; the bundle itself cuts nothing
    bool extrapolate = false;        ///< make showers outside of the energies trained on instead of an error
    std::size_t largest_call = 128;  ///< showers per call of a network
};

namespace detail {

/// Whether rounding alone leaves an energy outside (calosim_tf/same_energy.py).
inline bool within(double energy, double low, double high) {
    return energy >= low * (1 - 1e-5) && energy <= high * (1 + 1e-5);
}

/// Negative cells to zero; with keep_energy the others are scaled to the sum before, or to 0 where that was negative.
inline void remove_negative(std::vector<float>& cells, bool keep_energy) {
    double before = 0.0, after = 0.0;
    for (float& cell : cells) {
        before += cell;
        cell = cell < 0.0F ? 0.0F : cell;
        after += cell;
    }
    if (!keep_energy) return;
    const auto scale = static_cast<float>(after > 0.0 ? std::max(before, 0.0) / after : 0.0);
    for (float& cell : cells) cell *= scale;
}

}  // namespace detail

/// A generator in memory; any number of threads may call it, each with a workspace of its own.
class Generator {
public:
    explicit Generator(const std::filesystem::path& bundle, Options options = {})
        : sidecar_(read_sidecar(bundle)), options_(std::move(options)), attributes_(sidecar_) {
        if (options_.largest_call < 1 || options_.largest_call > 1'000'000) {
            fail("largest_call: found ", options_.largest_call, ", expected 1 to 1000000");
        }
        if (!(options_.threshold_mev >= 0.0)) fail("threshold_mev: found ", options_.threshold_mev, ", expected >= 0");
        const BackendKind& kind = choose_backend(sidecar_, options_.backend);
        options_.backend = kind.name;
        for (const Network& network : sidecar_.networks) {
            const auto& files = network.files.at(kind.format);
            backends_.push_back(kind.make(sidecar_.folder, files, Sizes::of(network)));
            if (network.latent.kind == LatentLaw::Kind::normal_16bit) normal_quantiles();  // not in the first shower
        }
    }

    const Sidecar& sidecar() const { return sidecar_; }
    const Options& options() const { return options_; }

    /// All memory that a thread needs, for every shower that it will ever make.
    class Workspace {
    public:
        explicit Workspace(const Generator& generator)
            : rows_(generator.options_.largest_call),
              chosen_(generator.options_.largest_call),
              attributes_(generator.attributes_.size()),
              cells_(generator.sidecar_.n_cells) {
            for (const auto& backend : generator.backends_) {
                runners_.push_back(backend->runner(generator.options_.largest_call));
            }
        }

    private:
        friend class Generator;
        std::vector<std::unique_ptr<Runner>> runners_;  // one for each network
        std::vector<std::size_t> rows_, chosen_;
        std::vector<double> attributes_;
        std::vector<float> cells_;
    };

    /// Showers of n particles, numbers first_shower, first_shower + 1, ... of a seed.
    ///
    /// The same number of the same seed has the same latent as in Python, whatever the batch.  A shower that is
    /// reused allocates nothing.
    void generate(const Particle* particles, std::size_t n, std::uint64_t seed, std::uint64_t first_shower,
                  Workspace& space, Shower* showers) const {
        for (std::size_t first = 0; first < n; first += options_.largest_call) {
            const std::size_t count = std::min(options_.largest_call, n - first);
            block(particles + first, count, seed, first_shower + first, space, showers + first);
        }
    }

    /// A shower from a latent that the caller drew by the law of the network that makes this energy.
    void from_latent(const Particle& particle, const float* latent, Workspace& space, Shower& shower) const {
        const std::size_t index = route(particle.energy_mev);
        Runner& runner = *space.runners_[index];
        std::copy_n(latent, sidecar_.networks[index].latent.size, runner.latent(0));
        prepare(index, particle, space, 0);
        finish(index, particle.energy_mev, runner.run(1), space, shower);
    }

    /// Index of the network that makes an incident energy; Error for one that none makes.
    std::size_t route(double energy_mev) const {
        if (!std::isfinite(energy_mev) || !(energy_mev > 0.0)) {
            fail("energy: found ", energy_mev, " MeV, expected an incident energy above 0");
        }
        for (std::size_t i = sidecar_.networks.size(); i-- > 0;) {  // a shared edge belongs to the upper network
            const Network& network = sidecar_.networks[i];
            if (!detail::within(energy_mev, network.low_mev, network.high_mev)) continue;
            const Normalisation& law = *network.law;
            const double kinetic = law.kinetic_mev(energy_mev);
            if (!options_.extrapolate && !detail::within(kinetic, law.kin_min_mev, law.kin_max_mev)) {
                fail("energy: found ", kinetic, " MeV kinetic energy, expected ", law.kin_min_mev, " to ",
                     law.kin_max_mev, ", the range trained on: set Options::extrapolate to go beyond it");
            }
            return i;
        }
        fail("energy: found ", energy_mev, " MeV, which no network of this bundle makes");
    }

    /// Whether generate() would make this incident energy.
    bool covers(double energy_mev) const {
        try {
            route(energy_mev);
            return true;
        } catch (const Error&) {
            return false;
        }
    }

private:
    void block(const Particle* particles, std::size_t n, std::uint64_t seed, std::uint64_t first_shower,
               Workspace& space, Shower* showers) const {
        for (std::size_t i = 0; i < n; ++i) space.chosen_[i] = route(particles[i].energy_mev);
        for (std::size_t index = 0; index < backends_.size(); ++index) {
            std::size_t rows = 0;
            for (std::size_t i = 0; i < n; ++i) {
                if (space.chosen_[i] != index) continue;
                float* latent = space.runners_[index]->latent(rows);
                draw_latent(sidecar_.networks[index].latent, seed, first_shower + i, latent);
                prepare(index, particles[i], space, rows);
                space.rows_[rows++] = i;
            }
            if (rows == 0) continue;
            const float* outputs = space.runners_[index]->run(rows);
            const std::size_t size = sidecar_.networks[index].law->outputs();
            for (std::size_t row = 0; row < rows; ++row) {
                const std::size_t i = space.rows_[row];
                finish(index, particles[i].energy_mev, outputs + row * size, space, showers[i]);
            }
        }
    }

    void prepare(std::size_t index, const Particle& particle, Workspace& space, std::size_t row) const {
        attributes_.fill(particle, space.attributes_.data());
        sidecar_.networks[index].law->condition(particle.energy_mev, space.attributes_.data(), attributes_.size(),
                                                space.runners_[index]->condition(row));
    }

    /// Outputs of a network as a shower in MeV.
    void finish(std::size_t index, double energy_mev, const float* outputs, Workspace& space, Shower& shower) const {
        std::vector<float>& cells = space.cells_;
        sidecar_.networks[index].law->to_mev(outputs, energy_mev, cells.data());
        if (options_.negative != Negative::keep) {
            detail::remove_negative(cells, options_.negative == Negative::keep_energy);
        }
        shower.clear();
        if (shower.capacity() < cells.size()) shower.reserve(cells.size());
        for (std::size_t i = 0; i < cells.size(); ++i) {
            if (cells[i] == 0.0F || (options_.threshold_mev > 0.0 && cells[i] < options_.threshold_mev)) continue;
            shower.push_back({static_cast<std::uint32_t>(i), cells[i]});
        }
    }

    Sidecar sidecar_;
    Options options_;
    Attributes attributes_;
    std::vector<std::unique_ptr<Backend>> backends_;
};

}  // namespace calosim
