// A generator behind the inference interface of Geant4's example Par04: see docs/geant4.md.
//
// Wants Par04InferenceInterface.hh of the example in the include path, and USE_INFERENCE defined, as the example does.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "Par04InferenceInterface.hh"
#include "calosim/generator.hpp"

namespace calosim::par04 {

/// Cells along rho, phi and z: /Par04/inference/setNbOfRhoCells and so on.
using Mesh = std::array<std::size_t, 3>;

/// What Par04InferenceSetup::GetEnergies hands over, and what it does with the numbers that come back.
struct Convention {
    bool latent_first;      ///< whether normal numbers come before the condition
    std::size_t condition;  ///< numbers of the condition; the first is the kinetic energy
    double energy_mev;      ///< what 1 means in it
    double output_mev;      ///< what 1 means in a cell; 0 for the kinetic energy of the particle

    /// Model type VAE, and releases without model types: energy over 1024 GeV, angle over 90 degrees, two of geometry.
    static Convention vae() { return {true, 4, 1024e3, 0.0}; }
    /// Model type CaloDiT-2: GeV, phi, theta, five of geometry, and no latent; cells are multiplied by 1000.
    static Convention calodit() { return {false, 8, 1e3, 1e3}; }
};

/// Mesh cell of each cell of a detector of rings whose layers are cut alike, such as data sets 2 and 3.
inline std::vector<std::size_t> regular_cylinder(const Sidecar& sidecar, const Mesh& mesh) {
    const auto [rings, angles, depth] = mesh;
    bool alike = sidecar.layers.size() == depth && sidecar.cell_order.find("angular bins") != std::string::npos;
    for (const Layer& layer : sidecar.layers) alike = alike && layer.rows == angles && layer.columns == rings;
    if (!alike) {
        fail("mesh: found ", rings, " x ", angles, " x ", depth, " cells in rho, phi, z, expected those of detector ",
             sidecar.detector, " with all its layers cut alike: give a table of mesh cells instead");
    }
    std::vector<std::size_t> table;
    table.reserve(sidecar.n_cells);
    for (std::size_t z = 0; z < depth; ++z) {
        for (std::size_t angle = 0; angle < angles; ++angle) {
            for (std::size_t ring = 0; ring < rings; ++ring) table.push_back((ring * angles + angle) * depth + z);
        }
    }
    return table;
}

/// One thread's inference; threads share the generator.
class Inference : public Par04InferenceInterface {
public:
    /// seed: of the latents that Par04 does not draw itself, another one for each thread.
    Inference(std::shared_ptr<const Generator> generator, const Mesh& mesh, Convention convention = Convention::vae(),
              std::uint64_t seed = 0)
        : Inference(generator, mesh, regular_cylinder(generator->sidecar(), mesh), convention, seed) {}

    /// The same with the mesh cell of each cell of the detector; cells that share one are summed.
    Inference(std::shared_ptr<const Generator> generator, const Mesh& mesh, std::vector<std::size_t> table,
              Convention convention = Convention::vae(), std::uint64_t seed = 0)
        : generator_(std::move(generator)),
          mesh_cells_(mesh[0] * mesh[1] * mesh[2]),
          table_(std::move(table)),
          convention_(convention),
          seed_(seed),
          space_(*generator_) {
        const Sidecar& sidecar = generator_->sidecar();
        if (!sidecar.attributes.empty()) {
            fail("Par04: found detector ", sidecar.detector,
                 " with attributes, expected one without: call the generator "
                 "from a fast-simulation model of your own");
        }
        if (table_.size() != sidecar.n_cells) {
            fail("Par04: found a table of ", table_.size(), " cells, expected the ", sidecar.n_cells,
                 " of the detector");
        }
        for (const std::size_t cell : table_) {
            if (cell >= mesh_cells_) fail("Par04: found mesh cell ", cell, ", expected one below ", mesh_cells_);
        }
        for (const Network& network : sidecar.networks) widest_ = std::max(widest_, network.latent.size);
        latent_.resize(widest_);
    }

    /// Latent and condition to the energies of the mesh, in the order rho, phi, z with z fastest.
    void RunInference(std::vector<float> gen_vector, std::vector<G4double>& energies, int size) override {
        if (size < 0 || static_cast<std::size_t>(size) != mesh_cells_) {
            fail("Par04: found a mesh of ", size, " cells, expected ", mesh_cells_,
                 ": /Par04/inference/setNbOf...Cells");
        }
        const std::size_t expected = convention_.condition + (convention_.latent_first ? widest_ : 0);
        if (gen_vector.size() != expected) {
            fail("Par04: found a vector of ", gen_vector.size(), ", expected ", expected,
                 ": /Par04/inference/setSizeLatentVector ", widest_, " and setSizeConditionVector ",
                 convention_.condition);
        }
        const double kinetic = gen_vector[expected - convention_.condition] * convention_.energy_mev;
        const Particle particle{incident_mev(kinetic)};
        const std::size_t index = generator_->route(particle.energy_mev);
        take_latent(generator_->sidecar().networks[index].latent, gen_vector);
        generator_->from_latent(particle, latent_.data(), space_, shower_);
        energies.assign(mesh_cells_, 0.0);
        const double unit = convention_.output_mev > 0.0 ? convention_.output_mev : kinetic;
        for (const Deposit& deposit : shower_) energies[table_[deposit.cell]] += deposit.mev / unit;
    }

private:
    /// Geant4 knows kinetic energies; some public files, and so some networks, momenta.
    double incident_mev(double kinetic) const {
        const double mass = generator_->sidecar().networks[0].law->mass_mev;
        return std::sqrt(kinetic * (kinetic + 2.0 * mass));
    }

    void take_latent(const LatentLaw& law, const std::vector<float>& gen_vector) {
        if (!convention_.latent_first) return draw_latent(law, seed_, shower_number_++, latent_.data());
        for (std::size_t i = 0; i < law.size; ++i) {
            // Par04 draws normal numbers, whatever the law
            latent_[i] = law.kind == LatentLaw::Kind::uniform
                             ? law.low + (law.high - law.low) * 0.5F * std::erfc(-gen_vector[i] * 0.70710678F)
                             : gen_vector[i] * law.std + law.mean;
        }
    }

    std::shared_ptr<const Generator> generator_;
    std::size_t mesh_cells_;
    std::vector<std::size_t> table_;
    Convention convention_;
    std::uint64_t seed_, shower_number_ = 0;
    Generator::Workspace space_;
    std::size_t widest_ = 0;
    std::vector<float> latent_;
    Shower shower_;
};

}  // namespace calosim::par04
