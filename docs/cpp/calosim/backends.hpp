// The back ends that were compiled: CMakeLists.txt defines CALOSIM_WITH_... for those whose headers it found.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "calosim/backend.hpp"
#ifdef CALOSIM_WITH_DENSE
#include "calosim/dense.hpp"
#endif
#ifdef CALOSIM_WITH_TENSORFLOW
#include "calosim/tensorflow.hpp"
#endif
#ifdef CALOSIM_WITH_ONNX
#include "calosim/onnx.hpp"
#endif
#ifdef CALOSIM_WITH_LITERT
#include "calosim/litert.hpp"
#endif

namespace calosim {

/// A back end by name, the format of a bundle that it runs, and what makes one.
struct BackendKind {
    std::string name, format;
    std::unique_ptr<Backend> (*make)(const std::filesystem::path&, const std::vector<ModelFile>&, const Sizes&);
};

/// What this program was compiled with, the fastest for single showers first.
inline const std::vector<BackendKind>& backend_kinds() {
    using Folder = std::filesystem::path;
    using Files = std::vector<ModelFile>;
    static const std::vector<BackendKind> kinds{
#ifdef CALOSIM_WITH_DENSE
        {"dense", "lwtnn",
         [](const Folder& folder, const Files& files, const Sizes& sizes) -> std::unique_ptr<Backend> {
             return std::make_unique<DenseBackend>(folder, files.back(), sizes);
         }},
#endif
#ifdef CALOSIM_WITH_ONNX
        {"onnx", "onnx",
         [](const Folder& folder, const Files& files, const Sizes& sizes) -> std::unique_ptr<Backend> {
             return std::make_unique<OnnxBackend>(folder, files.back(), sizes);
         }},
#endif
#ifdef CALOSIM_WITH_LITERT
        {"litert", "tflite",
         [](const Folder& folder, const Files& files, const Sizes& sizes) -> std::unique_ptr<Backend> {
             return std::make_unique<LitertBackend>(folder, files, sizes);
         }},
#endif
#ifdef CALOSIM_WITH_TENSORFLOW
        {"tensorflow", "saved_model",
         [](const Folder& folder, const Files& files, const Sizes& sizes) -> std::unique_ptr<Backend> {
             return std::make_unique<TensorflowBackend>(folder, files.back(), sizes);
         }},
#endif
    };
    return kinds;
}

/// Whether every network of a bundle is there in the format of a back end.
inline bool holds(const Sidecar& sidecar, const BackendKind& kind) {
    for (const Network& network : sidecar.networks) {
        const auto found = network.files.find(kind.format);
        if (found == network.files.end() || found->second.empty()) return false;
    }
    return true;
}

/// The back end of that name, or where the name is empty the first that runs a bundle; Error where there is none.
inline const BackendKind& choose_backend(const Sidecar& sidecar, const std::string& name) {
    std::string known;
    for (const BackendKind& kind : backend_kinds()) {
        known += (known.empty() ? "" : ", ") + kind.name + " (" + kind.format + ")";
        if (name.empty() ? !holds(sidecar, kind) : kind.name != name) continue;
        if (holds(sidecar, kind)) return kind;
        fail(sidecar.folder.string(), ": found no format ", kind.format, " for back end ", name,
             ": export the bundle with --format ", kind.format);
    }
    const std::string compiled = known.empty() ? "none" : known;
    if (!name.empty()) fail("back end: found '", name, "', expected one that was compiled: ", compiled);
    fail(sidecar.folder.string(), ": found no format that this program runs, expected one of: ", compiled);
}

}  // namespace calosim
