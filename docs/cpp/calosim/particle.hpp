// Particles, and the attributes that a detector wants to know of them.
#pragma once

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "calosim/error.hpp"
#include "calosim/sidecar.hpp"

namespace calosim {

using Vector3 = std::array<double, 3>;

/// A particle at the front of the calorimeter: z goes into it, x and y are its rows and columns.
struct Particle {
    double energy_mev;  ///< incident energy as the sidecar describes it: a momentum where the particle has a mass
    Vector3 direction{0.0, 0.0, 1.0};
    Vector3 position_mm{0.0, 0.0, 0.0};
    const double* attributes = nullptr;  ///< those of the detector, where they are given instead of the two above
};

/// How the attributes of a detector follow from a particle (calosim_tf/geometry/detectors.py has the names).
class Attributes {
public:
    explicit Attributes(const Sidecar& sidecar) : names_(sidecar.attributes), central_(sidecar.central) {
        if (names_ == std::vector<std::string>{"px_gev", "py_gev", "pz_gev", "x_cm", "y_cm"}) kind_ = Kind::momentum;
        if (names_ == std::vector<std::string>{"theta_rad", "phi_rad", "x0_mm", "y0_mm"}) kind_ = Kind::angles;
    }

    std::size_t size() const { return names_.size(); }

    /// Fills size() numbers; Error for a particle that no shower can be made for.
    void fill(const Particle& particle, double* out) const {
        const auto [x, y, z] = unit(particle.direction);
        const Vector3& at = particle.position_mm;
        if (!std::isfinite(at[0] + at[1] + at[2])) fail("position: found a number that is not finite, expected mm");
        if (particle.attributes != nullptr) return copy(particle.attributes, out);
        const double gev = particle.energy_mev / 1e3;
        switch (kind_) {
            case Kind::momentum:
                out[0] = gev * x, out[1] = gev * y, out[2] = gev * z, out[3] = at[0] / 10.0, out[4] = at[1] / 10.0;
                return;
            case Kind::angles:  // the frame of CaloGAN: theta from the axis y, phi around it
                out[0] = std::acos(y), out[1] = std::atan2(-x, z), out[2] = at[0], out[3] = at[1];
                return;
            case Kind::others:
                break;
        }
        const bool central = x == 0.0 && y == 0.0 && at[0] == 0.0 && at[1] == 0.0;
        if (!names_.empty() && !central) {
            fail(
                "particle: found a direction or a position, but the attributes of this detector do not follow "
                "from them: give Particle::attributes");
        }
        for (std::size_t i = 0; i < names_.size(); ++i) out[i] = central_[i].value_or(gev);
    }

private:
    enum class Kind { momentum, angles, others };

    static Vector3 unit(const Vector3& direction) {
        const auto [x, y, z] = direction;
        const double length = std::sqrt(x * x + y * y + z * z);
        if (!std::isfinite(length) || !(z > 0.0)) {
            fail("direction: found (", x, ", ", y, ", ", z, "), expected one into the calorimeter, z above 0");
        }
        return {x / length, y / length, z / length};
    }

    void copy(const double* from, double* out) const {
        for (std::size_t i = 0; i < names_.size(); ++i) {
            if (!std::isfinite(from[i])) fail("attribute ", names_[i], ": found ", from[i], ", expected a number");
            out[i] = from[i];
        }
    }

    std::vector<std::string> names_;
    std::vector<std::optional<double>> central_;
    Kind kind_ = Kind::others;
};

}  // namespace calosim
