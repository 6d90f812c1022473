/// The ONNX runtime, opened at run time (dlopen): where the library or the model is missing, Segue
/// searches by keywords only, so neither may be needed to start.
///
/// Thread: a Session may run on several threads at once, one text a run. Lives as long as the
/// embedder that holds it; the library stays open until the process ends.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace segue::rag {

class OnnxSession {
public:
    /// `library` is libonnxruntime.so, `model` a BERT-like encoder (input_ids, attention_mask,
    /// token_type_ids → last_hidden_state).
    static Result<OnnxSession> open(const std::string& library, const std::string& model);
    OnnxSession(OnnxSession&&) noexcept;
    OnnxSession& operator=(OnnxSession&&) noexcept;
    ~OnnxSession();

    /// last_hidden_state of one text: ids.size() rows of `width` numbers.
    Result<std::vector<float>> run(std::span<const std::int64_t> ids, std::size_t width) const;

private:
    struct Impl;
    explicit OnnxSession(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace segue::rag
