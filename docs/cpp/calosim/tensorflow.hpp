// The SavedModel of a bundle in TensorFlow's C API; headers and library come with the TensorFlow wheel.
#pragma once

#include <tensorflow/c/c_api.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "calosim/backend.hpp"

namespace calosim {

namespace detail {

/// Just enough of the wire format of protocol buffers to find a signature in a MetaGraphDef.
class Message {
public:
    explicit Message(std::string_view bytes) : rest_(bytes) {}

    /// Goes to the next field that holds bytes; false at the end.
    bool next(std::uint64_t& field, std::string_view& bytes) {
        while (!rest_.empty()) {
            const std::uint64_t tag = varint();
            field = tag >> 3;
            switch (tag & 7) {
                case 0:
                    varint();
                    break;
                case 1:
                    take(8);
                    break;
                case 2:
                    bytes = take(varint());
                    return true;
                case 5:
                    take(4);
                    break;
                default:
                    fail("found a field of an unknown kind in the SavedModel");
            }
        }
        return false;
    }

    /// The bytes of the first field of that number; empty where there is none.
    static std::string_view find(std::string_view message, std::uint64_t wanted) {
        Message reader(message);
        std::uint64_t field = 0;
        for (std::string_view bytes; reader.next(field, bytes);) {
            if (field == wanted) return bytes;
        }
        return {};
    }

    /// The value of a key in a map, which is a repeated message of key 1 and value 2.
    static std::string_view entry(std::string_view message, std::uint64_t wanted, std::string_view key) {
        Message reader(message);
        std::uint64_t field = 0;
        for (std::string_view bytes; reader.next(field, bytes);) {
            if (field == wanted && find(bytes, 1) == key) return find(bytes, 2);
        }
        fail("the SavedModel has no '", key, "'");
    }

private:
    std::uint64_t varint() {
        std::uint64_t value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            const auto byte = static_cast<unsigned char>(take(1)[0]);
            value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
            if (byte < 0x80) return value;
        }
        fail("found a number without an end in the SavedModel");
    }

    std::string_view take(std::uint64_t count) {
        if (count > rest_.size()) fail("the SavedModel ends too early");
        const std::string_view taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }

    std::string_view rest_;
};

template <auto Free>
struct Freed {
    template <class T>
    void operator()(T* item) const {
        Free(item);
    }
};

}  // namespace detail

/// A session on the function `raw` of a SavedModel.
class TensorflowBackend : public Backend {
public:
    TensorflowBackend(const std::filesystem::path& folder, const ModelFile& file, const Sizes& sizes) : sizes_(sizes) {
        const auto path = sound_file(folder, file);
        try {
            load(path.string(), file);
        } catch (const Error& error) {
            fail(path.string(), ": cannot be loaded by TensorFlow (", error.what(), "): export the bundle again");
        }
    }

    std::unique_ptr<Runner> runner(std::size_t largest) const override;

private:
    friend class TensorflowRunner;
    using Status = std::unique_ptr<TF_Status, detail::Freed<TF_DeleteStatus>>;
    struct Closed {
        void operator()(TF_Session* session) const {
            const Status status(TF_NewStatus());
            TF_CloseSession(session, status.get());
            TF_DeleteSession(session, status.get());
        }
    };

    static void require(const Status& status) {
        if (TF_GetCode(status.get()) == TF_OK) return;
        const std::string message = TF_Message(status.get());
        fail(message.substr(0, message.find('\n')));
    }

    void load(const std::string& path, const ModelFile& file) {
        const Status status(TF_NewStatus());
        const std::unique_ptr<TF_SessionOptions, detail::Freed<TF_DeleteSessionOptions>> options(
            TF_NewSessionOptions());
        // ConfigProto: one thread inside operations, operations in the thread that calls
        constexpr std::array<unsigned char, 13> config{0x10, 1,    0x28, 0xFF, 0xFF, 0xFF, 0xFF,
                                                       0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1};
        TF_SetConfig(options.get(), config.data(), config.size(), status.get());
        require(status);
        const std::unique_ptr<TF_Buffer, detail::Freed<TF_DeleteBuffer>> meta(TF_NewBuffer());
        const char* tag = "serve";
        session_.reset(TF_LoadSessionFromSavedModel(options.get(), nullptr, path.c_str(), &tag, 1, graph_.get(),
                                                    meta.get(), status.get()));
        require(status);
        using detail::Message;
        const std::string_view bytes(static_cast<const char*>(meta->data), meta->length);
        const auto signature = Message::entry(bytes, 5, file.signature);
        latent_ = tensor(Message::entry(signature, 1, file.latent_name), sizes_.latent);
        condition_ = tensor(Message::entry(signature, 1, file.condition_name), sizes_.condition);
        output_ = tensor(Message::entry(signature, 2, file.output_name), 0);
    }

    /// The tensor of a TensorInfo; Error unless it has so many numbers per shower (0 for any).
    TF_Output tensor(std::string_view info, std::size_t expected) const {
        const std::string name(detail::Message::find(info, 1));
        const auto colon = name.rfind(':');
        TF_Output found{TF_GraphOperationByName(graph_.get(), name.substr(0, colon).c_str()), 0};
        const std::string index = colon == std::string::npos ? "" : name.substr(colon + 1);
        if (index.empty() || index.size() > 3 || index.find_first_not_of("0123456789") != std::string::npos) {
            fail("found the tensor name '", name, "'");
        }
        found.index = std::stoi(index);
        if (found.oper == nullptr || found.index >= TF_OperationNumOutputs(found.oper)) fail("found no tensor ", name);
        if (TF_OperationOutputType(found) != TF_FLOAT) fail("found ", name, " of another type than float32");
        const Status status(TF_NewStatus());
        std::array<std::int64_t, 2> shape{-1, -1};
        if (expected > 0 && TF_GraphGetTensorNumDims(graph_.get(), found, status.get()) == 2) {
            TF_GraphGetTensorShape(graph_.get(), found, shape.data(), 2, status.get());
        }
        if (expected > 0 && shape[1] != static_cast<std::int64_t>(expected)) {
            fail("found ", name, " of ", shape[1], " numbers, expected ", expected,
                 ": the network is of another export");
        }
        return found;
    }

    Sizes sizes_;
    std::unique_ptr<TF_Graph, detail::Freed<TF_DeleteGraph>> graph_{TF_NewGraph()};
    std::unique_ptr<TF_Session, Closed> session_;
    TF_Output latent_{}, condition_{}, output_{};
};

/// One thread's calls of a session.  TensorFlow itself allocates in every call.
class TensorflowRunner : public Runner {
public:
    TensorflowRunner(const TensorflowBackend& backend, const Sizes& sizes, std::size_t largest)
        : Runner(sizes, largest), backend_(backend), status_(TF_NewStatus()) {}

    const float* run(std::size_t n) override {
        const Tensor latent = view(latent_.data(), n, sizes_.latent);
        const Tensor condition = view(condition_.data(), n, sizes_.condition);
        const std::array<TF_Output, 2> inputs{backend_.latent_, backend_.condition_};
        const std::array<TF_Tensor*, 2> values{latent.get(), condition.get()};
        TF_Tensor* output = nullptr;
        outputs_.reset();
        TF_SessionRun(backend_.session_.get(), nullptr, inputs.data(), values.data(), 2, &backend_.output_, &output, 1,
                      nullptr, 0, nullptr, status_.get());
        outputs_.reset(output);
        TensorflowBackend::require(status_);
        if (TF_TensorByteSize(output) != n * sizes_.outputs * sizeof(float)) {
            fail("TensorFlow: found ", TF_TensorByteSize(output), " bytes of output for ", n, " showers, expected ",
                 sizes_.outputs, " numbers each: the network is of another export");
        }
        return static_cast<const float*>(TF_TensorData(output));
    }

private:
    using Tensor = std::unique_ptr<TF_Tensor, detail::Freed<TF_DeleteTensor>>;

    static Tensor view(float* data, std::size_t n, std::size_t columns) {
        const std::array<std::int64_t, 2> shape{static_cast<std::int64_t>(n), static_cast<std::int64_t>(columns)};
        const auto keep = [](void*, std::size_t, void*) {};
        return Tensor(TF_NewTensor(TF_FLOAT, shape.data(), 2, data, n * columns * sizeof(float), keep, nullptr));
    }

    const TensorflowBackend& backend_;
    TensorflowBackend::Status status_;
    Tensor outputs_;
};

inline std::unique_ptr<Runner> TensorflowBackend::runner(std::size_t largest) const {
    return std::make_unique<TensorflowRunner>(*this, sizes_, largest);
}

}  // namespace calosim
