// The TensorFlow Lite files of a bundle in the C API that TensorFlow Lite and LiteRT share.
#pragma once

#include <tensorflow/lite/c/c_api.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "calosim/backend.hpp"

namespace calosim {

/// Models of fixed batch size, ascending; a call takes the smallest that holds its showers.
class LitertBackend : public Backend {
public:
    LitertBackend(const std::filesystem::path& folder, const std::vector<ModelFile>& files, const Sizes& sizes)
        : sizes_(sizes) {
        for (const ModelFile& file : files) {
            const auto path = sound_file(folder, file);
            models_.emplace_back(file, Model(TfLiteModelCreateFromFile(path.c_str())));
            if (!models_.back().second || file.batch == 0) {
                fail(path.string(), ": cannot be loaded by TensorFlow Lite: export the bundle again");
            }
        }
    }

    std::unique_ptr<Runner> runner(std::size_t largest) const override;

private:
    friend class LitertRunner;
    struct Freed {
        void operator()(TfLiteModel* model) const { TfLiteModelDelete(model); }
    };
    using Model = std::unique_ptr<TfLiteModel, Freed>;

    Sizes sizes_;
    std::vector<std::pair<ModelFile, Model>> models_;
};

/// An interpreter for each batch size in one thread.
class LitertRunner : public Runner {
public:
    LitertRunner(const LitertBackend& backend, const Sizes& sizes, std::size_t largest)
        : Runner(sizes, largest), outputs_(sizes.outputs * largest) {
        for (const auto& [file, model] : backend.models_) parts_.push_back(part(file, model.get()));
    }

    ~LitertRunner() override {
        for (const Part& part : parts_) {
            TfLiteSignatureRunnerDelete(part.signature);
            TfLiteInterpreterDelete(part.interpreter);
        }
    }
    LitertRunner(const LitertRunner&) = delete;
    LitertRunner& operator=(const LitertRunner&) = delete;

    const float* run(std::size_t n) override {
        for (std::size_t first = 0; first < n;) {
            const std::size_t left = n - first;
            const auto fitting =
                std::find_if(parts_.begin(), parts_.end(), [left](const Part& part) { return part.batch >= left; });
            const Part& part = fitting == parts_.end() ? parts_.back() : *fitting;
            const std::size_t count = std::min(left, part.batch);
            std::copy_n(latent(first), count * sizes_.latent, part.latent);
            std::copy_n(condition(first), count * sizes_.condition, part.condition);
            if (TfLiteSignatureRunnerInvoke(part.signature) != kTfLiteOk) fail("TensorFlow Lite: a call failed");
            std::copy_n(part.output, count * sizes_.outputs, outputs_.data() + first * sizes_.outputs);
            first += count;
        }
        return outputs_.data();
    }

private:
    struct Part {
        std::size_t batch;
        TfLiteInterpreter* interpreter;
        TfLiteSignatureRunner* signature;
        float *latent, *condition;
        const float* output;
    };

    Part part(const ModelFile& file, TfLiteModel* model) const {
        TfLiteInterpreterOptions* options = TfLiteInterpreterOptionsCreate();
        TfLiteInterpreterOptionsSetNumThreads(options, 1);
        Part made{};
        made.batch = file.batch;
        made.interpreter = TfLiteInterpreterCreate(model, options);
        TfLiteInterpreterOptionsDelete(options);
        if (made.interpreter == nullptr) fail(file.path, ": TensorFlow Lite makes no interpreter of it");
        made.signature = TfLiteInterpreterGetSignatureRunner(made.interpreter, file.signature.c_str());
        if (made.signature == nullptr || TfLiteSignatureRunnerAllocateTensors(made.signature) != kTfLiteOk) {
            fail(file.path, ": found no signature ", file.signature, ": export the bundle again");
        }
        const auto input = [&](const std::string& name, std::size_t size) {
            return floats(TfLiteSignatureRunnerGetInputTensor(made.signature, name.c_str()), file, size);
        };
        made.latent = input(file.latent_name, sizes_.latent);
        made.condition = input(file.condition_name, sizes_.condition);
        const auto* output = TfLiteSignatureRunnerGetOutputTensor(made.signature, file.output_name.c_str());
        made.output = floats(output, file, sizes_.outputs);
        return made;
    }

    static float* floats(const TfLiteTensor* tensor, const ModelFile& file, std::size_t per_shower) {
        if (tensor == nullptr || TfLiteTensorType(tensor) != kTfLiteFloat32 ||
            TfLiteTensorByteSize(tensor) != file.batch * per_shower * sizeof(float)) {
            fail(file.path, ": found tensors of another kind or size, expected float32 as the sidecar says");
        }
        return static_cast<float*>(TfLiteTensorData(tensor));
    }

    std::vector<Part> parts_;
    AlignedFloats outputs_;
};

inline std::unique_ptr<Runner> LitertBackend::runner(std::size_t largest) const {
    return std::make_unique<LitertRunner>(*this, sizes_, largest);
}

}  // namespace calosim
