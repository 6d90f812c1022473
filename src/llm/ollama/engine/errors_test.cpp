#include "llm/ollama/engine/errors.hpp"

#include <gtest/gtest.h>

#include "llm/ollama/engine/test_support.hpp"

namespace segue::llm::ollama {
namespace {

using Cause = Failure::Cause;
using ollama_test::answer_of;
using ollama_test::ollama_context;
using ollama_test::recording;

Failure failure_of(const EngineAnswer& answer) {
    return answer_failure(answer, ollama_context().target, "Mine");
}

EngineAnswer answer(int status, std::string body) {
    EngineAnswer made;
    made.status = status;
    made.body = std::move(body);
    return made;
}

TEST(OllamaErrors, UnknownModelIsNamedAsTheClientNamedIt) {
    const Failure failure = failure_of(answer_of(recording("err_unknown_model")));
    EXPECT_EQ(failure.cause, Cause::kModelNotFound);
    EXPECT_EQ(failure.message, "model 'Mine' not found");
}

TEST(OllamaErrors, RunnersErrorIsUnwrapped) {
    const Failure failure = failure_of(answer_of(recording("chat_images_text_model")));
    EXPECT_EQ(failure.cause, Cause::kEngineRefused);
    EXPECT_EQ(failure.status, 400);
    EXPECT_EQ(failure.message,
              "Multimodal data provided, but model does not support multimodal requests.");
}

TEST(OllamaErrors, TooLongIsKnownByItsType) {
    const Failure failure = failure_of(answer_of(recording("chat_context_overflow_no_truncate")));
    EXPECT_EQ(failure.cause, Cause::kContextTooLong);
    EXPECT_EQ(failure.message,
              "request (9014 tokens) exceeds the available context size (1024 tokens), try "
              "increasing it");
}

TEST(OllamaErrors, FullModelNamesBecomeTheClients) {
    const Failure failure = failure_of(answer_of(recording("generate_suffix")));
    EXPECT_EQ(failure.cause, Cause::kEngineRefused);
    EXPECT_EQ(failure.message, "Mine does not support insert");
    EXPECT_EQ(
        with_client_model("\"segue-tiny\" does not support chat", "segue-tiny:latest", "Mine"),
        "\"Mine\" does not support chat");
    EXPECT_EQ(with_client_model("a man's name", "a", "Mine"), "a man's name");
}

TEST(OllamaErrors, EmbeddingsThatTheEngineCannotMake) {
    EXPECT_EQ(failure_of(answer_of(recording("embed"))).cause, Cause::kUnsupported);
}

TEST(OllamaErrors, ByStatus) {
    EXPECT_EQ(failure_of(answer(500, R"({"error":"boom"})")).cause, Cause::kEngineFailed);
    EXPECT_EQ(failure_of(answer(500, R"({"error":"boom"})")).status, 500);
    EXPECT_EQ(failure_of(answer(503, R"({"error":"server busy"})")).cause, Cause::kQueueFull);
    EXPECT_EQ(failure_of(answer(401, R"({"error":"unauthorized"})")).cause, Cause::kEngineAuth);
    EXPECT_EQ(failure_of(answer(404, "404 page not found")).cause, Cause::kUnsupported);
    EXPECT_EQ(failure_of(answer(403, R"({"error":"ollama cloud is disabled: x"})")).cause,
              Cause::kEngineRefused);
    // An option of a wrong type is the client's mistake, whatever Ollama's status says (wire 1.3).
    const Failure option = failure_of(answer_of(recording("generate_bad_option")));
    EXPECT_EQ(option.cause, Cause::kEngineRefused);
    EXPECT_EQ(option.status, 400);
}

TEST(OllamaErrors, ProxyPagesAreNotShownToClients) {
    const Failure failure = failure_of(answer(502, "<html><body>Bad Gateway</body></html>"));
    EXPECT_EQ(failure.cause, Cause::kEngineFailed);
    EXPECT_EQ(failure.message, "engine old answered with status 502");
}

}  // namespace
}  // namespace segue::llm::ollama
