#include "rag/embed/onnx.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>

namespace segue::rag {
namespace {

/// The C API is a table of pointers that only grows at its end; these places hold since version 16.
/// Its header comes with no package here, hence the numbers.
enum Slot : std::size_t {
    kGetErrorMessage = 2,
    kCreateEnv = 3,
    kCreateSession = 7,
    kRun = 9,
    kCreateSessionOptions = 10,
    kSetGraphOptimizationLevel = 23,
    kSetIntraOpThreads = 24,
    kCreateTensorWithData = 49,
    kGetTensorMutableData = 51,
    kGetTensorShapeElementCount = 64,
    kGetTensorTypeAndShape = 65,
    kCreateCpuMemoryInfo = 69,
    kReleaseEnv = 92,
    kReleaseStatus = 93,
    kReleaseMemoryInfo = 94,
    kReleaseSession = 95,
    kReleaseValue = 96,
    kReleaseTensorTypeAndShape = 99,
    kReleaseSessionOptions = 100,
};
constexpr std::uint32_t kApiVersion = 16;
constexpr int kInt64 = 7;
constexpr int kWarning = 2;
constexpr int kAllOptimizations = 99;
constexpr int kDeviceAllocator = 1;

struct ApiBase {
    const void* const* (*get_api)(std::uint32_t version);
    const char* (*version)();
};
using Status = void;

}  // namespace

struct OnnxSession::Impl {
    const void* const* api = nullptr;
    void* env = nullptr;
    void* session = nullptr;
    void* memory = nullptr;

    template <class Signature>
    Signature* at(Slot slot) const {
        // The table holds functions of known signatures (onnxruntime_c_api.h).
        return reinterpret_cast<Signature*>(const_cast<void*>(api[slot]));  // NOLINT
    }
    void release(Slot slot, void* object) const {
        if (object) at<void(void*)>(slot)(object);
    }
    /// Nothing for success; takes the status.
    Result<void> check(Status* status, std::string_view doing) const {
        if (!status) return {};
        std::string message = at<const char*(const Status*)>(kGetErrorMessage)(status);
        release(kReleaseStatus, status);
        return fail(Fault::kInternal,
                    fmt::format("the ONNX runtime cannot {}: {}", doing, message));
    }
    ~Impl() {
        if (!api) return;
        release(kReleaseMemoryInfo, memory);
        release(kReleaseSession, session);
        release(kReleaseEnv, env);
    }
};

OnnxSession::OnnxSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
}
OnnxSession::OnnxSession(OnnxSession&&) noexcept = default;
OnnxSession& OnnxSession::operator=(OnnxSession&&) noexcept = default;
OnnxSession::~OnnxSession() = default;

Result<OnnxSession> OnnxSession::open(const std::string& library, const std::string& model) {
    void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return fail(
            Fault::kUnreachable,
            fmt::format("cannot load the ONNX runtime: {}; run 'make deps' again", dlerror()));
    const auto get_base =
        reinterpret_cast<const ApiBase* (*)()>(dlsym(handle, "OrtGetApiBase"));  // NOLINT
    const void* const* api = get_base ? get_base()->get_api(kApiVersion) : nullptr;
    if (!api)
        return fail(Fault::kInvalid,
                    fmt::format("{} is no ONNX runtime of version 1.16 or later", library));
    auto impl = std::make_unique<Impl>();
    impl->api = api;
    SEGUE_TRY_VOID(impl->check(
        impl->at<Status*(int, const char*, void**)>(kCreateEnv)(kWarning, "segue", &impl->env),
        "start"));
    void* options = nullptr;
    SEGUE_TRY_VOID(
        impl->check(impl->at<Status*(void**)>(kCreateSessionOptions)(&options), "start"));
    // One thread a run: texts are embedded side by side, not split.
    auto made = impl->check(impl->at<Status*(void*, int)>(kSetIntraOpThreads)(options, 1), "start");
    if (made)
        made = impl->check(
            impl->at<Status*(void*, int)>(kSetGraphOptimizationLevel)(options, kAllOptimizations),
            "start");
    if (made)
        made = impl->check(impl->at<Status*(void*, const char*, const void*, void**)>(
                               kCreateSession)(impl->env, model.c_str(), options, &impl->session),
                           fmt::format("load {}", model));
    impl->release(kReleaseSessionOptions, options);
    SEGUE_TRY_VOID(std::move(made));
    SEGUE_TRY_VOID(impl->check(impl->at<Status*(int, int, void**)>(kCreateCpuMemoryInfo)(
                                   kDeviceAllocator, 0, &impl->memory),
                               "start"));
    return OnnxSession(std::move(impl));
}

Result<std::vector<float>> OnnxSession::run(std::span<const std::int64_t> ids,
                                            std::size_t width) const {
    static constexpr std::array<const char*, 3> kInputs{"input_ids", "attention_mask",
                                                        "token_type_ids"};
    static constexpr std::array<const char*, 1> kOutputs{"last_hidden_state"};
    std::vector<std::int64_t> tokens(ids.begin(), ids.end());
    std::vector<std::int64_t> mask(ids.size(), 1);
    std::vector<std::int64_t> types(ids.size(), 0);
    const std::array<std::int64_t, 2> shape{1, static_cast<std::int64_t>(ids.size())};
    std::array<void*, 3> inputs{};
    void* output = nullptr;
    Result<void> done;
    const std::array<std::vector<std::int64_t>*, 3> data{&tokens, &mask, &types};
    for (std::size_t i = 0; i < data.size() && done; ++i)
        done =
            impl_->check(impl_->at<Status*(const void*, void*, std::size_t, const std::int64_t*,
                                           std::size_t, int, void**)>(kCreateTensorWithData)(
                             impl_->memory, data[i]->data(), data[i]->size() * sizeof(std::int64_t),
                             shape.data(), shape.size(), kInt64, &inputs[i]),
                         "take a text");
    if (done)
        done = impl_->check(
            impl_->at<Status*(void*, const void*, const char* const*, const void* const*,
                              std::size_t, const char* const*, std::size_t, void**)>(kRun)(
                impl_->session, nullptr, kInputs.data(), inputs.data(), inputs.size(),
                kOutputs.data(), kOutputs.size(), &output),
            "embed a text");
    // A model of another width than its description says would be read past its end.
    void* shape_info = nullptr;
    std::size_t count = 0;
    if (done)
        done = impl_->check(
            impl_->at<Status*(const void*, void**)>(kGetTensorTypeAndShape)(output, &shape_info),
            "read a vector");
    if (done)
        done = impl_->check(impl_->at<Status*(const void*, std::size_t*)>(
                                kGetTensorShapeElementCount)(shape_info, &count),
                            "read a vector");
    impl_->release(kReleaseTensorTypeAndShape, shape_info);
    if (done && count != ids.size() * width)
        done = fail(Fault::kInvalid,
                    fmt::format("the embedding model gives {} numbers a token, its model.json says "
                                "{} dimensions",
                                count / ids.size(), width));
    std::vector<float> hidden;
    if (done) {
        void* values = nullptr;
        done =
            impl_->check(impl_->at<Status*(void*, void**)>(kGetTensorMutableData)(output, &values),
                         "read a vector");
        const auto* from = static_cast<const float*>(values);
        if (done) hidden.assign(from, from + ids.size() * width);
    }
    impl_->release(kReleaseValue, output);
    for (void* input : inputs)
        impl_->release(kReleaseValue, input);
    SEGUE_TRY_VOID(std::move(done));
    return hidden;
}

}  // namespace segue::rag
