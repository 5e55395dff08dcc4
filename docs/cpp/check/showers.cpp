// Showers against Python's, in one thread and in several; memory and time per shower.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <thread>

#include "check.hpp"

namespace {

constexpr double tolerance = 1e-5;

using Showers = std::vector<calosim::Shower>;

bool same(const Showers& one, const Showers& other) {
    for (std::size_t i = 0; i < one.size(); ++i) {
        if (one[i].size() != other[i].size()) return false;
        for (std::size_t j = 0; j < one[i].size(); ++j) {
            if (one[i][j].cell != other[i][j].cell || one[i][j].mev != other[i][j].mev) return false;
        }
    }
    return one.size() == other.size();
}

/// Largest difference from Python in units of the largest voxel of the shower.
double deviation(const check::Case& reference, const Showers& showers) {
    const std::vector<float> cells = reference.dense(showers);
    const std::size_t size = reference.n_cells();
    double worst = 0.0;
    for (std::size_t first = 0; first < cells.size(); first += size) {
        double largest = 0.0, change = 0.0;
        for (std::size_t i = first; i < first + size; ++i) {
            if (!std::isfinite(cells[i])) return HUGE_VAL;
            const double expected = reference.cells_mev[i];
            largest = std::max(largest, std::abs(expected));
            change = std::max(change, std::abs(cells[i] - expected));
        }
        if (!(change <= 0.0)) worst = std::max(worst, largest > 0.0 ? change / largest : 1.0);
    }
    return worst;
}

Showers made_by_threads(const calosim::Generator& generator, const check::Case& reference, std::size_t threads) {
    Showers showers(reference.particles.size());
    std::vector<std::thread> team;
    const std::size_t size = generator.options().largest_call;
    for (std::size_t number = 0; number < threads; ++number) {
        team.emplace_back([&, number] {
            calosim::Generator::Workspace space(generator);
            for (std::size_t first = number * size; first < showers.size(); first += threads * size) {
                const std::size_t count = std::min(size, showers.size() - first);
                generator.generate(&reference.particles[first], count, reference.seed, first, space, &showers[first]);
            }
        });
    }
    for (std::thread& thread : team) thread.join();
    return showers;
}

/// Allocations while showers are made that have been made before.
std::size_t allocated(const calosim::Generator& generator, const check::Case& reference,
                      calosim::Generator::Workspace& space, Showers& showers) {
    const auto make = [&] {
        for (const std::size_t n : {std::size_t{1}, std::size_t{10}, std::size_t{100}}) {
            generator.generate(reference.particles.data(), n, reference.seed, 0, space, showers.data());
        }
    };
    make();
#if defined(EIGEN_RUNTIME_NO_MALLOC) && defined(CALOSIM_WITH_DENSE)
    Eigen::internal::set_is_malloc_allowed(generator.options().backend != "dense");
#endif
    const std::size_t before = check::allocations();
    make();
#if defined(EIGEN_RUNTIME_NO_MALLOC) && defined(CALOSIM_WITH_DENSE)
    Eigen::internal::set_is_malloc_allowed(true);
#endif
    return check::allocations() - before;
}

void one_backend(const check::Case& reference, const std::string& backend) {
    const std::string name = reference.name + ", " + backend;
    calosim::Options options;
    options.backend = backend;
    const calosim::Generator generator(reference.bundle, options);
    calosim::Generator::Workspace space(generator);
    const std::size_t n = reference.particles.size();
    Showers showers(n), single(n), other(n);
    generator.generate(reference.particles.data(), n, reference.seed, 0, space, showers.data());
    for (std::size_t i = 0; i < n; ++i) {
        generator.generate(&reference.particles[i], 1, reference.seed, i, space, &single[i]);
    }
    const double together = deviation(reference, showers), alone = deviation(reference, single);
    check::expect(together <= tolerance, name + ": differs from Python by " + std::to_string(together));
    check::expect(alone <= tolerance, name + ", one at a time: differs from Python by " + std::to_string(alone));
    check::expect(same(made_by_threads(generator, reference, 4), showers), name + ": four threads, other showers");
    const int cores = calosim::usable_cores();
    calosim::Team team(generator, cores);
    team.generate(reference.particles.data(), n, reference.seed, 0, other.data());
    check::expect(same(other, showers), name + ": a team, other showers");
    generator.generate(reference.particles.data(), n, reference.seed + 1, 0, space, other.data());
    check::expect(!same(other, showers), name + ": another seed, the same showers");
    const std::size_t count = allocated(generator, reference, space, showers);
    check::expect(backend != "dense" || count == 0, name + ": " + std::to_string(count) + " allocations");
    std::printf("%s: %zu showers within %.1e of Python, in units of the largest voxel of the shower\n", name.c_str(), n,
                std::max(together, alone));
#ifndef CALOSIM_SANITIZE
    std::printf("    %zu allocations in 111 more showers\n", count);
#endif
}

double microseconds(const calosim::Generator& generator, const check::Case& reference, std::size_t batch) {
    using Clock = std::chrono::steady_clock;
    calosim::Generator::Workspace space(generator);
    Showers showers(batch);
    std::vector<double> rounds;
    std::uint64_t number = 0;
    for (int round = 0; round < 5; ++round) {
        const auto begin = Clock::now();
        std::size_t made = 0;
        double seconds = 0.0;
        for (; seconds < 0.1; seconds = std::chrono::duration<double>(Clock::now() - begin).count()) {
            const std::size_t first = number % (reference.particles.size() - batch + 1);
            generator.generate(&reference.particles[first], batch, reference.seed, number, space, showers.data());
            number += batch;
            made += batch;
        }
        rounds.push_back(1e6 * seconds / static_cast<double>(made));
    }
    return *std::min_element(rounds.begin(), rounds.end());  // other work on the machine only adds
}

}  // namespace

void check::showers(const std::vector<Case>& cases) {
    for (const Case& reference : cases) {
        const calosim::Sidecar sidecar = calosim::read_sidecar(reference.bundle);
        for (const auto& kind : calosim::backend_kinds()) {
            if (calosim::holds(sidecar, kind)) one_backend(reference, kind.name);
        }
    }
}

void check::times(const std::vector<Case>& cases) {
    for (const Case& reference : cases) {
        const calosim::Sidecar sidecar = calosim::read_sidecar(reference.bundle);
        for (const auto& kind : calosim::backend_kinds()) {
            if (!calosim::holds(sidecar, kind)) continue;
            calosim::Options options;
            options.backend = kind.name;
            const calosim::Generator generator(reference.bundle, options);
            for (const std::size_t batch : {std::size_t{1}, std::size_t{10}, std::size_t{100}}) {
                std::printf("{\"bundle\": \"%s\", \"backend\": \"%s\", \"batch\": %zu, \"us\": %.3f}\n",
                            reference.name.c_str(), kind.name.c_str(), batch,
                            microseconds(generator, reference, batch));
            }
        }
    }
}
