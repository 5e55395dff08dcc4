// Latents as a function of (seed, shower index), the same as in calosim_tf/latents.py.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "calosim/error.hpp"

namespace calosim {

/// Law of the independent numbers that a network starts from.
struct LatentLaw {
    enum class Kind { normal, normal_16bit, uniform };

    std::size_t size = 0;
    Kind kind = Kind::normal;
    float mean = 0.0F;
    float std = 1.0F;
    float low = -1.0F;
    float high = 1.0F;

    static Kind kind_of(const std::string& name) {
        if (name == "normal") return Kind::normal;
        if (name == "normal_16bit") return Kind::normal_16bit;
        if (name == "uniform") return Kind::uniform;
        fail("latent law: found '", name, "', expected normal, normal_16bit or uniform");
    }
};

/// Philox 4x64 with ten rounds (Salmon et al., SC11): a counter and a key give four words.
class Philox {
public:
    using Block = std::array<std::uint64_t, 4>;

    static Block block(Block counter, std::uint64_t key) {
        std::array<std::uint64_t, 2> keys{key, 0};
        for (int round = 0; round < 10; ++round) {
            const auto first = product(0xD2E7470EE14C6C93ULL, counter[0]);
            const auto second = product(0xCA5A826395121157ULL, counter[2]);
            counter = {high(second) ^ counter[1] ^ keys[0], low(second), high(first) ^ counter[3] ^ keys[1],
                       low(first)};
            keys[0] += 0x9E3779B97F4A7C15ULL;
            keys[1] += 0xBB67AE8584CAA73BULL;
        }
        return counter;
    }

private:
    __extension__ using Wide = unsigned __int128;

    static Wide product(std::uint64_t a, std::uint64_t b) { return static_cast<Wide>(a) * b; }
    static std::uint64_t high(Wide x) { return static_cast<std::uint64_t>(x >> 64); }
    static std::uint64_t low(Wide x) { return static_cast<std::uint64_t>(x); }
};

/// Quantiles of the normal law at (k + 1/2) / 65536, made at the first call.
inline const std::vector<float>& normal_quantiles() {
    static const std::vector<float> table = [] {
        constexpr int half = 32768;
        std::vector<float> values(2 * half);
        double x = 0.0;
        // from the middle outwards: the neighbour is a start from which Newton's steps converge
        for (int k = half - 1; k >= 0; --k) {
            const double p = (k + 0.5) / (2.0 * half);
            for (int step = 0; step < 8; ++step) {
                const double density = std::exp(-0.5 * x * x) / std::sqrt(2.0 * std::acos(-1.0));
                const double u = (0.5 * std::erfc(-x / std::sqrt(2.0)) - p) / density;
                const double change = u / (1.0 + 0.5 * x * u);  // Halley's correction
                x -= change;
                if (std::abs(change) < 1e-13) break;
            }
            values[static_cast<std::size_t>(k)] = static_cast<float>(x);
            values[static_cast<std::size_t>(2 * half - 1 - k)] = static_cast<float>(-x);
        }
        return values;
    }();
    return table;
}

/// The words of one shower: its own stretch of the counters, a block of four at a time.
class ShowerStream {
public:
    ShowerStream(std::uint64_t seed, std::uint64_t shower, std::size_t blocks)
        // numpy counts up before it draws, so the first block has counter 1
        : seed_(seed), first_(shower * blocks + 1) {}

    std::uint64_t word(std::size_t i) {
        if (i / 4 != held_) {
            held_ = i / 4;
            // the last counter word separates this stream from every other use of the seed
            words_ = Philox::block({first_ + held_, 0, 0, 1}, seed_);
        }
        return words_[i % 4];
    }

    /// Uniform number i as an integer of 24 bits: two from a word, the lower half first.
    float bits24(std::size_t i) {
        const std::uint64_t both = word(i / 2);
        return static_cast<float>((i % 2 == 0 ? both & 0xFFFFFFFFULL : both >> 32) >> 8);
    }

private:
    std::uint64_t seed_;
    std::uint64_t first_;
    std::size_t held_ = static_cast<std::size_t>(-1);
    Philox::Block words_{};
};

namespace detail {

inline void draw_16bit(const LatentLaw& law, std::uint64_t seed, std::uint64_t shower, float* out) {
    const auto& quantiles = normal_quantiles();
    ShowerStream stream(seed, shower, (law.size + 15) / 16);
    for (std::size_t i = 0; i < law.size; ++i) {
        out[i] = quantiles[(stream.word(i / 4) >> (16 * (i % 4))) & 0xFFFF] * law.std + law.mean;
    }
}

inline void draw_uniform(const LatentLaw& law, std::uint64_t seed, std::uint64_t shower, float* out) {
    ShowerStream stream(seed, shower, (law.size + 7) / 8);
    for (std::size_t i = 0; i < law.size; ++i) {
        out[i] = (stream.bits24(i) + 0.5F) * 0x1p-24F * (law.high - law.low) + law.low;
    }
}

/// Box-Muller: radii from the first half of a shower's uniforms, angles from the second.
inline void draw_normal(const LatentLaw& law, std::uint64_t seed, std::uint64_t shower, float* out) {
    constexpr float turn = 6.283185307179586F * 0x1p-24F;
    const std::size_t blocks = (law.size + 7) / 8;
    const std::size_t pairs = 4 * blocks;
    ShowerStream radii(seed, shower, blocks), angles(seed, shower, blocks);
    for (std::size_t i = 0; i < pairs && i < law.size; ++i) {
        const float radius = std::sqrt(-2.0F * std::log((radii.bits24(i) + 1.0F) * 0x1p-24F));
        const float angle = angles.bits24(pairs + i) * turn;
        out[i] = radius * std::cos(angle) * law.std + law.mean;
        if (pairs + i < law.size) out[pairs + i] = radius * std::sin(angle) * law.std + law.mean;
    }
}

}  // namespace detail

/// Latent of one shower, law.size numbers; no allocation (but for the table of quantiles, once).
inline void draw_latent(const LatentLaw& law, std::uint64_t seed, std::uint64_t shower, float* out) {
    switch (law.kind) {
        case LatentLaw::Kind::normal_16bit:
            return detail::draw_16bit(law, seed, shower, out);
        case LatentLaw::Kind::uniform:
            return detail::draw_uniform(law, seed, shower, out);
        case LatentLaw::Kind::normal:
            return detail::draw_normal(law, seed, shower, out);
    }
}

}  // namespace calosim
