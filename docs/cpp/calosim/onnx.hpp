// The ONNX file of a bundle in ONNX Runtime's C++ API.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <array>
#include <memory>
#include <string>

#include "calosim/backend.hpp"

namespace calosim {

/// A session with one thread inside operations.
class OnnxBackend : public Backend {
public:
    OnnxBackend(const std::filesystem::path& folder, const ModelFile& file, const Sizes& sizes)
        : sizes_(sizes), file_(file) {
        const auto path = sound_file(folder, file);
        try {
            Ort::SessionOptions options;
            options.SetIntraOpNumThreads(1);
            options.SetInterOpNumThreads(1);
            session_ = Ort::Session(environment(), path.c_str(), options);
        } catch (const Ort::Exception& error) {
            const std::string message = error.what();
            fail(path.string(), ": cannot be loaded by ONNX Runtime (", message.substr(0, message.find('\n')),
                 "): export the bundle again");
        }
    }

    std::unique_ptr<Runner> runner(std::size_t largest) const override;

private:
    friend class OnnxRunner;

    static Ort::Env& environment() {
        static Ort::Env environment(ORT_LOGGING_LEVEL_ERROR, "calosim");
        return environment;
    }

    Sizes sizes_;
    ModelFile file_;
    mutable Ort::Session session_{nullptr};
};

/// One thread's calls of a session, inputs and outputs in its own buffers.
class OnnxRunner : public Runner {
public:
    OnnxRunner(Ort::Session& session, const ModelFile& file, const Sizes& sizes, std::size_t largest)
        : Runner(sizes, largest), session_(session), file_(file), outputs_(sizes.outputs * largest) {}

    const float* run(std::size_t n) override {
        const std::array<const char*, 2> names{file_.latent_name.c_str(), file_.condition_name.c_str()};
        const char* output_name = file_.output_name.c_str();
        try {
            const std::array<Ort::Value, 2> inputs{view(latent_.data(), n, sizes_.latent),
                                                   view(condition_.data(), n, sizes_.condition)};
            Ort::Value output = view(outputs_.data(), n, sizes_.outputs);
            session_.Run(Ort::RunOptions{nullptr}, names.data(), inputs.data(), 2, &output_name, &output, 1);
        } catch (const Ort::Exception& error) {
            const std::string message = error.what();
            fail("ONNX Runtime: ", message.substr(0, message.find('\n')));
        }
        return outputs_.data();
    }

private:
    Ort::Value view(float* data, std::size_t n, std::size_t columns) const {
        const std::array<std::int64_t, 2> shape{static_cast<std::int64_t>(n), static_cast<std::int64_t>(columns)};
        return Ort::Value::CreateTensor<float>(memory_, data, n * columns, shape.data(), shape.size());
    }

    Ort::Session& session_;
    const ModelFile& file_;
    Ort::MemoryInfo memory_ = Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeDefault);
    AlignedFloats outputs_;
};

inline std::unique_ptr<Runner> OnnxBackend::runner(std::size_t largest) const {
    return std::make_unique<OnnxRunner>(session_, file_, sizes_, largest);
}

}  // namespace calosim
