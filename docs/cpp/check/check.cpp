// The checks of `make cpp`, and the times.
//
//     calosim_check FOLDER known_answers.json      FOLDER: as check/reference.py fills it
//     calosim_check FOLDER --times                 microseconds per shower as JSON
#include "check.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>

namespace {
int failures = 0;

std::vector<float> floats(const calosim::Json& stored) {
    return stored.get<std::vector<float>>();
}

/// Whether numbers are equal but for the last bits, in units of the largest.
bool close(const std::vector<float>& found, const std::vector<float>& expected, double tolerance) {
    double largest = 0.0, deviation = 0.0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
        deviation = std::max(deviation, std::abs(static_cast<double>(found[i]) - static_cast<double>(expected[i])));
    }
    return found.size() == expected.size() && deviation <= tolerance * largest;
}

void latents(const calosim::Json& known) {
    for (const auto& row : known.at("latents")) {
        const calosim::LatentLaw law = calosim::detail::read_latent(row.at("law"));
        std::vector<float> drawn(law.size);
        calosim::draw_latent(law, row.at("seed").get<std::uint64_t>(), row.at("shower").get<std::uint64_t>(),
                             drawn.data());
        check::expect(close(drawn, floats(row.at("numbers")), 1e-6), "latents: " + row.at("law").dump());
    }
    double sum = 0.0;
    for (const float value : calosim::normal_quantiles()) sum += std::abs(static_cast<double>(value));
    check::expect(std::abs(sum - known.at("quantiles").at("sum_of_absolutes").get<double>()) < 1e-6,
                  "sum of quantiles");
    for (const auto& [index, value] : known.at("quantiles").at("at").items()) {
        check::expect(calosim::normal_quantiles()[std::stoul(index)] == value.get<float>(), "quantile " + index);
    }
}

void normalisations(const calosim::Json& known) {
    for (const auto& row : known.at("normalisations")) {
        const std::string kind = row.at("record").at("kind");
        const auto attributes = row.at("attributes").get<std::vector<double>>();
        const auto law =
            calosim::make_normalisation(row.at("record"), row.at("n_cells").get<std::size_t>(), attributes.size());
        std::vector<float> condition(law->condition_size(attributes.size())),
            cells(row.at("n_cells").get<std::size_t>());
        const double energy = row.at("incident_energy_mev");
        law->condition(energy, attributes.data(), attributes.size(), condition.data());
        check::expect(close(condition, floats(row.at("condition")), 1e-6), "condition: " + kind);
        const auto outputs = floats(row.at("outputs"));
        check::expect(outputs.size() == law->outputs(), "outputs: " + kind);
        law->to_mev(outputs.data(), energy, cells.data());
        check::expect(close(cells, floats(row.at("cells_mev")), 1e-6), "cells: " + kind);
    }
}

void particles(const calosim::Json& known) {
    for (const auto& row : known.at("particles")) {
        calosim::Sidecar sidecar;
        sidecar.attributes = row.at("names").get<std::vector<std::string>>();
        sidecar.central.resize(sidecar.attributes.size());
        const calosim::Particle particle{row.at("incident_energy_mev").get<double>(),
                                         row.at("direction").get<calosim::Vector3>(),
                                         row.at("position_mm").get<calosim::Vector3>()};
        std::vector<double> found(sidecar.attributes.size());
        calosim::Attributes(sidecar).fill(particle, found.data());
        const std::vector<float> as_floats(found.begin(), found.end());
        check::expect(close(as_floats, floats(row.at("attributes")), 1e-6), "attributes: " + row.at("names").dump());
    }
}
}  // namespace

namespace check {

void expect(bool holds, const std::string& what) {
    if (holds) return;
    ++failures;
    std::cerr << "FAILED: " << what << '\n';
}

std::vector<float> Case::dense(const std::vector<calosim::Shower>& showers) const {
    std::vector<float> cells(showers.size() * n_cells());
    for (std::size_t i = 0; i < showers.size(); ++i) {
        for (const auto& [cell, mev] : showers[i]) cells[i * n_cells() + cell] = mev;
    }
    return cells;
}

std::vector<Case> read_cases(const std::filesystem::path& folder) {
    std::vector<Case> cases;
    for (const auto& row : calosim::read_json(folder / "reference.json", "what reference.py writes")) {
        const std::string name = row.at("name");
        Case found{name,
                   folder / row.at("bundle").get<std::string>(),
                   row.at("seed").get<std::uint64_t>(),
                   {},
                   numbers<float>(folder / (name + ".showers"))};
        for (const double energy : numbers<double>(folder / (name + ".energies"))) {
            found.particles.push_back(calosim::Particle{energy});
        }
#ifdef CALOSIM_SANITIZE
        // a hundred times slower: enough showers for two calls, the second one short
        const std::size_t cells = found.n_cells(), kept = std::min<std::size_t>(found.particles.size(), 150);
        found.particles.resize(kept, calosim::Particle{0.0});
        found.cells_mev.resize(kept * cells);
#endif
        cases.push_back(std::move(found));
    }
    return cases;
}

void answers(const std::filesystem::path& file) {
    const calosim::Json known = calosim::read_json(file, "known answers");
    latents(known);
    normalisations(known);
    particles(known);
    for (const auto& row : known.at("negative_voxels")) {
        auto cells = floats(row.at("cells"));
        calosim::detail::remove_negative(cells, row.at("keep_energy").get<bool>());
        expect(close(cells, floats(row.at("result")), 1e-6), "negative voxels");
    }
}

}  // namespace check

int main(int count, char** arguments) {
    if (count != 3) {
        std::cerr << "usage: calosim_check FOLDER known_answers.json | --times\n";
        return 2;
    }
    try {
        const std::filesystem::path folder = arguments[1];
        const auto cases = check::read_cases(folder);
        if (std::string(arguments[2]) == "--times") {
            check::times(cases);
            return 0;
        }
        check::answers(arguments[2]);
        check::showers(cases);
        check::par04(cases.at(0), cases.at(1));
        check::bad_input(cases, folder / "damaged");
    } catch (const std::exception& error) {
        check::expect(false, error.what());
    }
    std::printf("%s\n", failures == 0 ? "all checks passed" : "some checks failed");
    return failures == 0 ? 0 : 1;
}
