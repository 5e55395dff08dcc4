// The adapter for Geant4's example Par04 against a stub of its interface, called as Par04InferenceSetup does.
#include "calosim/par04.hpp"

#include <cmath>
#include <numeric>

#include "check.hpp"

namespace {

using calosim::par04::Convention;
using calosim::par04::Inference;

constexpr calosim::par04::Mesh mesh{9, 16, 45};
constexpr int mesh_size = 9 * 16 * 45;

double sum_of(const std::vector<G4double>& energies) {
    return std::accumulate(energies.begin(), energies.end(), 0.0);
}

double sum_of(const calosim::Shower& shower) {
    double sum = 0.0;
    for (const auto& deposit : shower) sum += static_cast<double>(deposit.mev);
    return sum;
}

/// An electron, whose incident energy is a momentum in the files of data set 2.
calosim::Particle incident(double kinetic_mev) {
    return calosim::Particle{std::sqrt(kinetic_mev * (kinetic_mev + 2 * 0.511))};
}

/// The vector that Par04 makes for model type VAE, for a latent that is there already.
std::vector<float> vae_vector(std::vector<float> latent, double kinetic_mev) {
    latent.push_back(static_cast<float>(kinetic_mev / 1024e3));
    latent.insert(latent.end(), {0.5F, 0.0F, 1.0F});
    return latent;
}

void vae(const std::shared_ptr<const calosim::Generator>& generator, double kinetic_mev) {
    const auto& network = generator->sidecar().networks[generator->route(incident(kinetic_mev).energy_mev)];
    std::vector<float> normal(generator->sidecar().networks.back().latent.size);  // the widest
    calosim::LatentLaw law;
    law.size = normal.size();
    calosim::draw_latent(law, 3, 0, normal.data());
    const std::unique_ptr<Par04InferenceInterface> inference = std::make_unique<Inference>(generator, mesh);
    std::vector<G4double> energies;
    inference->RunInference(vae_vector(normal, kinetic_mev), energies, mesh_size);
    // what the example does with them
    for (G4double& energy : energies) energy *= kinetic_mev;

    std::vector<float> latent(normal);
    for (float& number : latent) {
        const double share = 0.5 + 0.5 * std::erf(static_cast<double>(number) / std::sqrt(2.0));
        const float uniform =
            network.latent.low + (network.latent.high - network.latent.low) * static_cast<float>(share);
        const bool is_uniform = network.latent.kind == calosim::LatentLaw::Kind::uniform;
        number = is_uniform ? uniform : number * network.latent.std + network.latent.mean;
    }
    calosim::Generator::Workspace space(*generator);
    calosim::Shower shower;
    generator->from_latent(incident(kinetic_mev), latent.data(), space, shower);
    bool in_place = !shower.empty();
    for (const auto& [cell, mev] : shower) {
        // the detector: layers, angles, rings; the mesh: rings, angles, layers
        const std::size_t ring = cell % 9, angle = cell / 9 % 16, layer = cell / 9 / 16;
        in_place = in_place &&
                   std::abs(energies[(ring * 16 + angle) * 45 + layer] - static_cast<double>(mev)) < 1e-5 * kinetic_mev;
    }
    check::expect(in_place, "Par04: cells of a VAE's mesh");
    check::expect(std::abs(sum_of(energies) - sum_of(shower)) < 1e-5 * kinetic_mev, "Par04: energy of a VAE's shower");
}

void calodit(const std::shared_ptr<const calosim::Generator>& generator, double kinetic_mev) {
    Inference inference(generator, mesh, Convention::calodit(), 5);
    const std::vector<float> condition{static_cast<float>(kinetic_mev / 1e3), 0.1F, 1.5F, 1.0F, 0.0F, 0.0F, 0.0F, 0.0F};
    std::vector<G4double> first, second;
    inference.RunInference(condition, first, mesh_size);
    inference.RunInference(condition, second, mesh_size);
    calosim::Generator::Workspace space(*generator);
    const std::vector<calosim::Particle> particles(2, incident(kinetic_mev));
    std::vector<calosim::Shower> showers(2);
    generator->generate(particles.data(), 2, 5, 0, space, showers.data());
    check::expect(std::abs(1e3 * sum_of(first) - sum_of(showers[0])) < 1e-5 * kinetic_mev, "Par04: first of CaloDiT-2");
    check::expect(std::abs(1e3 * sum_of(second) - sum_of(showers[1])) < 1e-5 * kinetic_mev,
                  "Par04: second of CaloDiT-2");
}

}  // namespace

void check::par04(const Case& rings, const Case& others) {
    const auto generator = std::make_shared<const calosim::Generator>(rings.bundle);
    const double kinetic_mev = 65536.0;
    vae(generator, kinetic_mev);
    vae(generator, 4000.0);  // the other network of the split, whose latents are uniform
    calodit(generator, kinetic_mev);
    std::vector<G4double> energies;
    Inference inference(generator, mesh);
    const auto refused = [&](const std::vector<float>& vector, int size) {
        return error_of([&] { inference.RunInference(vector, energies, size); });
    };
    expect(refused({0.0F}, mesh_size).find("setSizeLatentVector") != std::string::npos,
           "Par04: vector of another size");
    expect(refused({}, 18 * 50 * 45).find("setNbOf") != std::string::npos, "Par04: mesh of another size");
    const std::vector<float> latent(generator->sidecar().networks.back().latent.size);
    expect(!refused(vae_vector(latent, 0.0), mesh_size).empty(), "Par04: no energy");

    // layers that are cut in different ways need a table
    const auto irregular = std::make_shared<const calosim::Generator>(others.bundle);
    expect(error_of([&] { Inference made(irregular, mesh); }).find("cut alike") != std::string::npos,
           "Par04: no table");
    const std::size_t cells = irregular->sidecar().n_cells;
    expect(!error_of([&] { Inference made(irregular, {1, 1, 1}, std::vector<std::size_t>(cells, 1)); }).empty(),
           "Par04: a table that leaves the mesh");
    Inference one_cell(irregular, {1, 1, 1}, std::vector<std::size_t>(cells, 0), Convention::calodit());
    one_cell.RunInference({16.384F, 0, 0, 1, 0, 0, 0, 0}, energies, 1);
    expect(energies.size() == 1 && energies[0] > 8.0 && energies[0] < 20.0, "Par04: sum of a table's cells, GeV");
}
