/// Every recording of the real engines, sent again to the rehearsal engine: same status, same
/// content type, same JSON, where what must differ (ids, times, the label) is scrubbed, and what is
/// not imitated is named here with its reason.
#include <fstream>
#include <set>

#include "engine/rehearsal/rehearsal_test_kit.hpp"

namespace segue::engine::rehearsal::testkit {
namespace {

/// Values that differ from answer to answer, or that carry the label.
const std::set<std::string> kVolatile{"id",
                                      "created",
                                      "created_at",
                                      "total_duration",
                                      "load_duration",
                                      "prompt_eval_duration",
                                      "eval_duration",
                                      "context",
                                      "system_fingerprint",
                                      "logprob",
                                      "top_logprobs",
                                      "digest",
                                      "token_logprobs",
                                      "root",
                                      "tokens",
                                      "modified_at",
                                      "size",
                                      "expires_at"};

json scrubbed(const json& value) {
    if (value.is_array()) {
        json out = json::array();
        for (const json& one : value)
            out.push_back(scrubbed(one));
        return out;
    }
    if (!value.is_object()) return value;
    json out = json::object();
    for (const auto& [key, member] : value.items()) {
        out[key] = kVolatile.contains(key) ? json("*") : scrubbed(member);
    }
    return out;
}

/// Answers that are compared by status alone: their texts tell of the recorded model itself, of its
/// files, its network, or of surfaces that this engine does not have.
const std::set<std::string> kStatusOnly{
    // lists and details of the recorded machine's models
    "get_api_version", "get_api_tags", "get_api_ps", "get_v1_models", "show", "show_name_field",
    "show_verbose", "show_latest", "show_created", "ps_loaded", "tags_after_copy", "get_metrics",
    "get_version",
    // pieces of words that its small vocabulary lacks
    "chat_bad_role", "chat_context_overflow_no_truncate",
    // what the small model makes of a prompt without sense
    "chat_context_overflow", "chat_continue_final", "chat_structured_choice",
    "chat_structured_regex", "err_bad_role",
    // the offset of a syntax error
    "err_bad_json",
    // the recorded shim counts thinking it does not show
    "v1_completions", "v1_completions_stream",
    // layers of real files
    "create_from",
    // the tokens of the whole text
    "tokenize_prompt", "tokenize_chat"};
/// Not imitated at all.
const std::set<std::string> kSkipped{
    // no network here, so no error of it: this engine's registry has every name
    "create_from_unknown", "pull_present_offline", "pull_offline_nostream", "push_offline",
    // /v1/responses and /v1/messages are served by neither wire of this engine
    "v1_responses", "v1_messages", "v1_responses_stream", "v1_messages_stream",
    "v1_messages_unknown", "responses", "responses_stream", "messages", "messages_stream",
    "messages_tools_stream", "messages_count_tokens", "messages_unknown_model"};

class Recordings : public RehearsalTest {
protected:
    void replay(const std::string& file) {
        std::ifstream in(std::string(SEGUE_SOURCE_DIR) + "/tests/data/wire/" + file);
        ASSERT_TRUE(in.good()) << file;
        std::string line;
        int compared = 0;
        while (std::getline(in, line)) {
            const json recorded = json::parse(line);
            const std::string id = recorded["id"];
            if (kSkipped.contains(id)) continue;
            SCOPED_TRACE(id);
            compare(id, recorded);
            ++compared;
        }
        EXPECT_GT(compared, 70);
    }

    void compare(const std::string& id, const json& recorded) {
        const json& request = recorded["request"];
        HeaderList headers;
        for (const auto& [name, value] : request["headers"].items())
            headers.emplace_back(name, value);
        const json& body = request["body"];
        const std::string text = body.is_null()     ? ""
                                 : body.is_string() ? body.get<std::string>()
                                                    : body.dump();
        const Reply reply = call(request["method"], request["path"], text, headers);
        EXPECT_EQ(recorded["status"], reply.status) << reply.body;
        EXPECT_TRUE(reply.whole);
        EXPECT_EQ("rehearsal", reply.headers.at("segue-engine"));
        for (const json& header : recorded["headers"]) {
            if (to_lower(header[0].get<std::string>()) != "content-type") continue;
            if (reply.headers.contains("content-type") && request["method"] != "HEAD") {
                EXPECT_EQ(header[1], reply.headers.at("content-type"));
            }
        }
        if (kStatusOnly.contains(id) || request["method"] == "HEAD") return;
        Reply wanted;
        for (const json& chunk : recorded["chunks"])
            wanted.body += chunk[1].get<std::string>();
        EXPECT_EQ(wanted.body.ends_with("data: [DONE]\n\n"),
                  reply.body.ends_with("data: [DONE]\n\n"));
        const auto mine = reply.events();
        const auto theirs = wanted.events();
        EXPECT_EQ(theirs.size(), mine.size()) << reply.body;
        for (std::size_t i = 0; i < std::min(mine.size(), theirs.size()); ++i) {
            EXPECT_EQ(scrubbed(theirs[i]).dump(), scrubbed(mine[i]).dump());
        }
    }
};

TEST_F(Recordings, OllamaIsImitated) {
    RehearsalOptions options = tiny_rehearsal(llm::Dialect::kOllama);
    start(options);
    replay("ollama-2026-08.jsonl");
}

TEST_F(Recordings, VllmIsImitated) {
    start_tiny(llm::Dialect::kOpenAi);
    replay("vllm-0.32.0.jsonl");
}

}  // namespace
}  // namespace segue::engine::rehearsal::testkit
