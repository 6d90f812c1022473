#include "rag/embed/engine_embedder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/hash.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "llm/ollama/engine/session.hpp"
#include "llm/openai/engine/session.hpp"

namespace segue::rag {
namespace {

using Cause = llm::Failure::Cause;

constexpr std::size_t kMostAnswer = 64U * 1024 * 1024;
constexpr std::size_t kShortest = 64;  // bytes of a text that is still worth a vector
constexpr auto kLongestRetryAfter = std::chrono::seconds(30);

/// Worth another try, later.
bool passes(Cause cause) {
    return cause == Cause::kRateLimited || cause == Cause::kQueueFull ||
           cause == Cause::kUnreachable || cause == Cause::kTimeout ||
           cause == Cause::kEngineFailed;
}

/// This text is at fault, not the engine.
bool is_about_the_text(Cause cause) {
    return cause == Cause::kBadRequest || cause == Cause::kContextTooLong ||
           cause == Cause::kEngineRefused || cause == Cause::kTooLarge;
}

class EngineEmbedder final : public Embedder {
public:
    explicit EngineEmbedder(EngineEmbedding options) : options_(std::move(options)) {
        model_.name = options_.name;
        if (model_.name.empty()) {
            model_.name = fmt::format("{}/{}", options_.engine, options_.model);
            // Passages that begin otherwise have other vectors.
            if (!options_.passage_prefix.empty())
                model_.name += " +" + sha256_hex(options_.passage_prefix).substr(0, 8);
        }
        model_.question_prefix = options_.question_prefix;
        model_.passage_prefix = options_.passage_prefix;
        model_.place = fmt::format("engine:{}\t{}", options_.engine, options_.model);
        target_.dialect = options_.dialect;
        target_.engine = options_.engine;
        target_.served_model = options_.model;
        target_.profile = std::make_shared<const llm::Profile>();
        target_.traits = std::make_shared<llm::EngineTraits>();
    }

    void set_dimensions(std::size_t dimensions) { model_.dimensions = dimensions; }
    const EmbeddingModel& model() const override { return model_; }
    std::size_t batch() const override { return options_.batch; }

    Result<std::vector<Vector>> embed(std::span<const std::string> texts,
                                      TextRole role) const override {
        const std::string& prefix =
            role == TextRole::kQuestion ? model_.question_prefix : model_.passage_prefix;
        std::vector<std::string> inputs;
        for (const auto& text : texts)
            inputs.push_back(prefix + replace_invalid_utf8(text));
        auto rows = ask_patiently(inputs, role);
        if (!rows && is_about_the_text(rows.error().cause)) rows = one_by_one(inputs, role);
        if (!rows) return tl::make_unexpected(error_of(rows.error()));
        return vectors_of(*rows);
    }

private:
    using Rows = std::vector<std::vector<double>>;

    Error error_of(const llm::Failure& failure) const {
        const Fault fault = is_about_the_text(failure.cause)   ? Fault::kInvalid
                            : failure.cause == Cause::kTimeout ? Fault::kTimeout
                                                               : Fault::kUnreachable;
        return {fault,
                fmt::format("the engine {} does not embed with {}: {}", options_.engine,
                            options_.model, failure.message),
                "rag"};
    }

    /// Which one it does not take is not told by every engine.
    llm::Outcome<Rows> one_by_one(const std::vector<std::string>& inputs, TextRole role) const {
        Rows all;
        for (const auto& input : inputs) {
            std::string text = input;
            while (true) {
                auto rows = ask_patiently({text}, role);
                if (rows) {
                    all.push_back(std::move(rows->front()));
                    break;
                }
                if (!is_about_the_text(rows.error().cause) || text.size() <= kShortest)
                    return tl::make_unexpected(std::move(rows).error());
                text = replace_invalid_utf8(text.substr(0, text.size() / 2));
            }
        }
        return all;
    }

    llm::Outcome<Rows> ask_patiently(const std::vector<std::string>& inputs, TextRole role) const {
        const int tries = role == TextRole::kQuestion ? 1 : options_.tries;
        std::chrono::milliseconds wait = options_.first_wait;
        for (int done = 1;; ++done) {
            auto rows = ask(inputs, role);
            if (rows || !passes(rows.error().cause) || done >= tries) return rows;
            const auto longer = std::max<std::chrono::milliseconds>(
                wait, std::min<std::chrono::milliseconds>(
                          rows.error().retry_after.value_or(std::chrono::seconds(0)),
                          kLongestRetryAfter));
            log::debug("embedding waits {} ms for {}: {}", longer.count(), options_.engine,
                       rows.error().message);
            if (!rest(longer)) return rows;
            wait *= 2;
        }
    }

    /// False: there is no use in going on.
    bool rest(std::chrono::milliseconds time) const {
        std::unique_lock lock(mutex_);
        waiting_.wait_for(lock, options_.stop, time, [] { return false; });
        return !options_.stop.stop_requested();
    }

    llm::Outcome<Rows> ask(const std::vector<std::string>& inputs, TextRole role) const {
        llm::EmbedRequest request;
        request.model = options_.model;
        request.inputs = inputs;
        llm::BridgeContext context;
        context.target = target_;
        auto session = options_.dialect == llm::Dialect::kOllama
                           ? llm::make_ollama_embed_session(std::move(request), context)
                           : llm::make_openai_embed_session(std::move(request), context);
        auto calls = session->start();
        llm::Events events;
        while (calls && !calls->empty()) {
            llm::EngineCall call = std::move(calls->front());
            auto answer = send(call, role);
            if (!answer) return tl::make_unexpected(std::move(answer).error());
            calls = session->on_answer(call.id, std::move(*answer), events);
        }
        if (!calls) return tl::make_unexpected(std::move(calls).error());
        for (auto& event : events)
            if (auto* vectors = std::get_if<llm::Vectors>(&event)) {
                if (vectors->rows.size() == inputs.size()) return std::move(vectors->rows);
                return llm::refuse(Cause::kBroken,
                                   fmt::format("it gave {} vectors for {} texts",
                                               vectors->rows.size(), inputs.size()));
            }
        return llm::refuse(Cause::kBroken, "it gave no vectors");
    }

    llm::Outcome<llm::EngineAnswer> send(llm::EngineCall& call, TextRole role) const {
        net::ClientRequest request;
        request.origin = options_.origin;
        request.tls = options_.tls;
        request.method = std::move(call.method);
        request.path = std::move(call.path);
        request.body = std::move(call.body);
        request.headers.add("Content-Type", call.content_type);
        request.headers.add("User-Agent", "segue/" SEGUE_VERSION);
        if (!options_.api_key.empty())
            request.headers.add("Authorization", "Bearer " + options_.api_key);
        request.deadlines.total =
            role == TextRole::kQuestion ? options_.question_patience : options_.patience;
        auto reply = net::fetch(std::move(request), kMostAnswer, options_.stop);
        if (!reply)
            return llm::refuse(
                reply.error().fault == Fault::kTimeout ? Cause::kTimeout : Cause::kUnreachable,
                reply.error().detail);
        llm::EngineAnswer answer;
        answer.status = reply->status;
        answer.content_type = reply->headers.find("Content-Type").value_or("");
        answer.body = std::move(reply->body);
        if (const auto seconds = reply->headers.find("Retry-After"))
            if (const auto after = parse_duration(*seconds))
                answer.retry_after = std::chrono::duration_cast<std::chrono::seconds>(*after);
        return answer;
    }

    Result<std::vector<Vector>> vectors_of(const Rows& rows) const {
        std::vector<Vector> vectors;
        for (const auto& row : rows) {
            if (model_.dimensions != 0 && row.size() != model_.dimensions)
                return fail(
                    Fault::kConflict,
                    fmt::format("{} of {} made vectors of {} numbers and now makes {}: it "
                                "is another model under the same name; name it otherwise "
                                "there, and in embedding.model",
                                options_.model, options_.engine, model_.dimensions, row.size()),
                    "rag");
            Vector vector(row.begin(), row.end());
            if (!normalise(vector))
                return fail(Fault::kInvalid,
                            fmt::format("{} of {} gave a vector without a direction",
                                        options_.model, options_.engine),
                            "rag");
            vectors.push_back(std::move(vector));
        }
        return vectors;
    }

    const EngineEmbedding options_;
    EmbeddingModel model_;
    llm::Target target_;
    mutable std::mutex mutex_;
    mutable std::condition_variable_any waiting_;
};

}  // namespace

Result<std::unique_ptr<Embedder>> open_engine_embedder(EngineEmbedding options,
                                                       std::optional<std::size_t> dimensions) {
    auto embedder = std::make_unique<EngineEmbedder>(std::move(options));
    if (!dimensions) {
        // With the patience of a passage: an Ollama loads the model first.
        SEGUE_TRY(vector, embedder->embed_one("segue", TextRole::kPassage));
        dimensions = vector.size();
    }
    // More have no index in pgvector.
    if (*dimensions < 1 || *dimensions > 2000)
        return fail(Fault::kInvalid,
                    fmt::format("{} makes vectors of {} numbers; Segue keeps 1 to 2000",
                                embedder->model().name, *dimensions),
                    "rag");
    embedder->set_dimensions(*dimensions);
    return std::unique_ptr<Embedder>(std::move(embedder));
}

}  // namespace segue::rag
