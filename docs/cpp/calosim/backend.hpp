// What runs a network: one Backend for the program, one Runner for each thread.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

#include "calosim/sidecar.hpp"

namespace calosim {

/// Floats at an address that every runtime takes without a copy.
class AlignedFloats {
public:
    explicit AlignedFloats(std::size_t count)
        : data_(static_cast<float*>(::operator new(sizeof(float) * (count + 1), alignment))) {
        for (std::size_t i = 0; i <= count; ++i) data_[i] = 0.0F;
    }
    ~AlignedFloats() { ::operator delete(data_, alignment); }
    AlignedFloats(const AlignedFloats&) = delete;
    AlignedFloats& operator=(const AlignedFloats&) = delete;

    float* data() const { return data_; }

private:
    static constexpr std::align_val_t alignment{64};
    float* data_;
};

/// Sizes of a network, numbers per shower.
struct Sizes {
    std::size_t latent, condition, outputs;

    static Sizes of(const Network& network) {
        return {network.latent.size, network.condition_size, network.law->outputs()};
    }
};

/// A network and its buffers in one thread.
class Runner {
public:
    Runner(const Sizes& sizes, std::size_t largest)
        : sizes_(sizes), latent_(sizes.latent * largest), condition_(sizes.condition * largest) {}
    virtual ~Runner() = default;

    /// Where the latent and the condition of a row go before a call.
    float* latent(std::size_t row) const { return latent_.data() + row * sizes_.latent; }
    float* condition(std::size_t row) const { return condition_.data() + row * sizes_.condition; }

    /// Outputs of the first n rows, one after another; good until the next call.
    virtual const float* run(std::size_t n) = 0;

protected:
    const Sizes sizes_;
    AlignedFloats latent_, condition_;
};

/// A network in memory; its methods may be called by several threads at a time.
class Backend {
public:
    virtual ~Backend() = default;
    /// A runner for calls of up to so many showers; it must not outlive the backend.
    virtual std::unique_ptr<Runner> runner(std::size_t largest) const = 0;
};

}  // namespace calosim
