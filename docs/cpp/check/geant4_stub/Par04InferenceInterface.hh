// Stands in for the header of Geant4's example Par04: the same class name, function and types, written anew.
#ifdef USE_INFERENCE
#ifndef CALOSIM_STUB_PAR04_INFERENCE_INTERFACE_HH
#define CALOSIM_STUB_PAR04_INFERENCE_INTERFACE_HH

#include <vector>

#include "globals.hh"

class Par04InferenceInterface {
public:
    virtual ~Par04InferenceInterface() = default;
    virtual void RunInference(std::vector<float> gen_vector, std::vector<G4double>& energies, int size) = 0;
};

#endif
#endif
