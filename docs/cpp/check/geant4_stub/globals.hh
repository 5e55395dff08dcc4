// Stands in for Geant4's header of the same name: the one type that the interface of Par04 takes from it.
#pragma once

using G4double = double;
