// Showers from an exported generator in a C++17 program: see docs/cpp.md.
//
//     calosim::Generator generator("photon_bundle");
//     calosim::Generator::Workspace space(generator);       // one for each thread
//     calosim::Particle particle{16384.0};                  // MeV
//     calosim::Shower shower;                               // (cell, MeV) in the order of the detector
//     generator.generate(&particle, 1, seed, number, space, &shower);
#pragma once

#include "calosim/generator.hpp"
#include "calosim/team.hpp"
