#include "engine/rehearsal/engine.hpp"

#include "engine/rehearsal/rehearsal_test_kit.hpp"

namespace segue::engine::rehearsal::testkit {
namespace {

class Engine : public RehearsalTest {
protected:
    static json question(std::string_view text, bool stream) {
        return {{"model", "segue-tiny"},
                {"stream", stream},
                {"messages", {{{"role", "user"}, {"content", text}}}}};
    }
    /// Eleven pieces of text and an end, streamed.
    Reply stream_ollama() {
        json body = question("What is the capital of France?", true);
        body["think"] = false;
        return post("/api/chat", body);
    }
    Reply stream_vllm() {
        return post("/v1/chat/completions", question("What is the capital of France?", true));
    }
    void set_faults(const json& faults) {
        ASSERT_EQ(200, post("/rehearsal/faults", faults).status);
    }
};

TEST_F(Engine, AnswersWordForWordFromPassages) {
    RehearsalOptions options;
    options.dialect = llm::Dialect::kOpenAi;
    options.timing = instant_profile();
    start(options);
    const json body = {
        {"model", "rehearsal"},
        {"messages",
         {{{"role", "system"}, {"content", "You are a helpful assistant. Cite the passages."}},
          {{"role", "user"},
           {"content",
            "Context:\n[1] The canteen opens at seven in the morning.\n[2] Every employee has "
            "thirty "
            "days of holiday a year. Requests go to the team lead.\n\nHow many days of holiday "
            "does an "
            "employee have?"}}}}};
    const json answer = post("/v1/chat/completions", body).parsed();
    EXPECT_EQ("Every employee has thirty days of holiday a year. [2]",
              answer["choices"][0]["message"]["content"]);
}

TEST_F(Engine, SaysWhatItIsWhenNothingFits) {
    start_tiny(llm::Dialect::kOllama);
    const json answer = post("/api/chat", question("Tell me a joke", false)).parsed();
    EXPECT_EQ(kWhatThisIs, answer["message"]["content"].get<std::string>());
}

TEST_F(Engine, IsLabelledEverywhere) {
    start_tiny(llm::Dialect::kOllama);
    const Reply tags = call("GET", "/api/tags");
    EXPECT_EQ("rehearsal", tags.headers.at("segue-engine"));
    EXPECT_EQ("rehearsal", tags.parsed()["models"][0]["details"]["family"]);
    EXPECT_EQ("rehearsal",
              post("/api/show", {{"model", "segue-tiny"}}).parsed()["details"]["format"]);
    start_tiny(llm::Dialect::kOpenAi);
    EXPECT_EQ("rehearsal/segue-tiny", call("GET", "/v1/models").parsed()["data"][0]["root"]);
    EXPECT_EQ("0.32.0+rehearsal", call("GET", "/version").parsed()["version"]);
    EXPECT_EQ("rehearsal", call("GET", "/nope").headers.at("segue-engine"));
}

TEST_F(Engine, IsTheSameForTheSameSeed) {
    std::vector<std::string> bodies;
    for (int round = 0; round < 2; ++round) {
        start_tiny(llm::Dialect::kOpenAi);
        json answer = post("/v1/chat/completions", question("What is 3 plus 4?", false)).parsed();
        answer.erase("created");
        bodies.push_back(answer.dump());
    }
    EXPECT_EQ(bodies[0], bodies[1]);
}

TEST_F(Engine, ErrorFaultHitsOnlyTheFirst) {
    start_tiny(llm::Dialect::kOllama);
    set_faults(
        {{"error", {{"status", 500}, {"message", "boom"}}}, {"only_first", 1}, {"retry_after", 2}});
    const Reply first = stream_ollama();
    EXPECT_EQ(500, first.status);
    EXPECT_EQ("boom", first.parsed()["error"]);
    EXPECT_EQ("2", first.headers.at("retry-after"));
    EXPECT_EQ(200, stream_ollama().status);
    EXPECT_EQ(1, call("GET", "/rehearsal/faults").parsed()["hits"]);
}

TEST_F(Engine, DropsMidStream) {
    for (auto dialect : {llm::Dialect::kOllama, llm::Dialect::kOpenAi}) {
        start_tiny(dialect);
        set_faults({{"drop_after", 3}});
        const Reply reply = dialect == llm::Dialect::kOllama ? stream_ollama() : stream_vllm();
        EXPECT_EQ(200, reply.status);
        EXPECT_FALSE(reply.whole);
        EXPECT_EQ(dialect == llm::Dialect::kOllama ? 3U : 4U, reply.events().size()) << reply.body;
        EXPECT_EQ(200, call("DELETE", "/rehearsal/faults").status);
        EXPECT_TRUE((dialect == llm::Dialect::kOllama ? stream_ollama() : stream_vllm()).whole);
    }
}

TEST_F(Engine, DropsBeforeTheStatusLine) {
    start_tiny(llm::Dialect::kOpenAi);
    set_faults({{"drop_after", 0}});
    EXPECT_EQ(0, stream_vllm().status);
}

TEST_F(Engine, DropsInsideAWholeAnswer) {
    start_tiny(llm::Dialect::kOpenAi);
    set_faults({{"drop_after", 2}});
    const Reply reply = post("/v1/chat/completions", question("What is 3 plus 4?", false));
    EXPECT_EQ(200, reply.status);
    EXPECT_FALSE(reply.whole);
}

TEST_F(Engine, EndsWithoutItsLastChunk) {
    start_tiny(llm::Dialect::kOpenAi);
    set_faults({{"end_after", 2}});
    const Reply reply = stream_vllm();
    EXPECT_TRUE(reply.whole);
    EXPECT_EQ(std::string::npos, reply.body.find("[DONE]"));
    EXPECT_EQ(std::string::npos, reply.body.find("\"finish_reason\":\"stop\""));
}

TEST_F(Engine, TellsAnErrorInsideAStream) {
    start_tiny(llm::Dialect::kOpenAi);
    set_faults({{"error_after", 2}});
    EXPECT_TRUE(stream_vllm().body.ends_with("\"code\":500}}\n\ndata: [DONE]\n\n"));
    start_tiny(llm::Dialect::kOllama);
    set_faults({{"error_after", 2}});
    EXPECT_TRUE(stream_ollama().body.ends_with("{\"error\":\"rehearsed failure\"}\n"));
}

TEST_F(Engine, SpeaksGarbageAndGoesOn) {
    start_tiny(llm::Dialect::kOllama);
    set_faults({{"garbage_after", 2}});
    const auto events = stream_ollama().events();
    ASSERT_EQ(12U, events.size());
    EXPECT_TRUE(events[2].is_discarded());
    EXPECT_TRUE(events.back()["done"].get<bool>());
}

TEST_F(Engine, PromisesTooManyBytes) {
    start_tiny(llm::Dialect::kOpenAi);
    set_faults({{"wrong_length", true}});
    EXPECT_FALSE(post("/v1/chat/completions", question("What is 3 plus 4?", false)).whole);
    EXPECT_FALSE(stream_vllm().whole);
}

TEST_F(Engine, LiesAboutTokens) {
    start_tiny(llm::Dialect::kOllama);
    set_faults({{"lying_counts", true}});
    EXPECT_EQ(247, stream_ollama().events().back()["prompt_eval_count"]);
}

TEST_F(Engine, IsBusyOrHasABadTemplate) {
    start_tiny(llm::Dialect::kOpenAi);
    set_faults({{"busy", true}});
    EXPECT_EQ(503, stream_vllm().status);
    set_faults({{"bad_template", true}});
    const Reply reply = stream_vllm();
    EXPECT_EQ(400, reply.status);
    EXPECT_NE(std::string::npos, reply.body.find("Conversation roles must alternate"));
    set_faults({{"health", "failing"}});
    EXPECT_EQ(503, call("GET", "/health").status);
    EXPECT_EQ(200, stream_vllm().status);
}

TEST_F(Engine, RefusesFaultsItDoesNotKnow) {
    start_tiny(llm::Dialect::kOllama);
    const Reply reply = post("/rehearsal/faults", {{"explode", true}});
    EXPECT_EQ(400, reply.status);
    EXPECT_NE(std::string::npos, reply.body.find("known are error"));
}

TEST_F(Engine, ClientGoneAbortsAtOnce) {
    start_tiny(llm::Dialect::kOpenAi);
    set_faults({{"stall_after", 2}});
    Socket socket(engine_->address());
    socket.send(
        request_text("POST", "/v1/chat/completions", question("What is 3 plus 4?", true).dump()));
    std::string seen;
    ASSERT_TRUE(socket.receive(seen));
    EXPECT_TRUE(wait_for_state([](const json& s) { return s["running"] == 1; }));
    socket.close();
    EXPECT_TRUE(
        wait_for_state([](const json& s) { return s["running"] == 0 && s["aborted"] == 1; }));
    EXPECT_EQ(0.0, state()["kv_cache_usage"]);
}

TEST_F(Engine, QueuesWhenSlotsAreTakenAndRefusesWhenTheQueueIsFull) {
    RehearsalOptions options = tiny_rehearsal(llm::Dialect::kOpenAi);
    options.timing.slots = 1;
    options.timing.queue_limit = 1;
    start(options);
    set_faults({{"stall_after", 1}, {"only_first", 1}});
    Socket first(engine_->address());
    first.send(
        request_text("POST", "/v1/chat/completions", question("What is 3 plus 4?", true).dump()));
    ASSERT_TRUE(wait_for_state([](const json& s) { return s["running"] == 1; }));
    Socket second(engine_->address());
    second.send(
        request_text("POST", "/v1/chat/completions", question("What is 3 plus 4?", false).dump()));
    ASSERT_TRUE(wait_for_state([](const json& s) { return s["waiting"] == 1; }));
    const std::string metrics = call("GET", "/metrics").body;
    EXPECT_NE(
        std::string::npos,
        metrics.find("vllm:num_requests_waiting{engine=\"0\",model_name=\"segue-tiny\"} 1.0"));
    EXPECT_EQ(503, stream_vllm().status);
    first.close();
    const Reply answered = read_reply(second);
    EXPECT_EQ(200, answered.status);
    EXPECT_NE(std::string::npos, answered.body.find("3 plus 4 is 7."));
}

TEST_F(Engine, KeepsTheTimesOfItsProfile) {
    RehearsalOptions options = tiny_rehearsal(llm::Dialect::kOllama);
    options.timing.ttft_ms = 30;
    options.timing.tokens_per_second = 200;
    start(options);
    const auto before = std::chrono::steady_clock::now();
    const json last = stream_ollama().events().back();
    const auto took = std::chrono::steady_clock::now() - before;
    // 30 ms, then eleven pieces with 5 ms behind each.
    EXPECT_GE(took, std::chrono::milliseconds(80));
    const auto prompt = last["prompt_eval_duration"].get<std::int64_t>();
    const auto eval = last["eval_duration"].get<std::int64_t>();
    EXPECT_GE(prompt, 29'000'000);
    EXPECT_GT(eval, 0);
    // On a busy machine the first piece is late and the others follow at once: the two are exact
    // only together.
    EXPECT_GE(prompt + eval, 79'000'000);
}

TEST_F(Engine, RemembersWhatItWasSent) {
    start_tiny(llm::Dialect::kOpenAi);
    post("/v1/chat/completions", question("Hello", false), {{"X-Test", "yes"}});
    const json seen = call("GET", "/rehearsal/requests").parsed();
    ASSERT_EQ(1U, seen["requests"].size());
    EXPECT_EQ("yes", seen["requests"][0]["headers"]["x-test"]);
    EXPECT_EQ("Hello", seen["requests"][0]["json"]["messages"][0]["content"]);
    EXPECT_TRUE(call("DELETE", "/rehearsal/requests").parsed()["requests"].empty());
}

TEST_F(Engine, GuardsOnlyItsOpenAiPathsWithAKey) {
    RehearsalOptions options = tiny_rehearsal(llm::Dialect::kOpenAi);
    options.api_keys = {"k1", "k2"};
    start(options);
    EXPECT_EQ(R"({"error":"Unauthorized"})", call("GET", "/v1/models").body);
    EXPECT_EQ(200, call("GET", "/v1/models", "", {{"Authorization", "Bearer k2"}}).status);
    EXPECT_EQ(200, call("GET", "/health").status);
    EXPECT_EQ(200, call("GET", "/metrics").status);
}

TEST_F(Engine, SeveralToolCallsComeWithTheirIndexes) {
    start_tiny(llm::Dialect::kOpenAi);
    json body = question("What is the weather in Paris and in Rome?", false);
    body["tools"] = {{{"type", "function"},
                      {"function",
                       {{"name", "get_weather"},
                        {"description", "Get the weather of a city"},
                        {"parameters",
                         {{"type", "object"},
                          {"properties", {{"city", {{"type", "string"}}}}},
                          {"required", {"city"}}}}}}}};
    const json calls =
        post("/v1/chat/completions", body).parsed()["choices"][0]["message"]["tool_calls"];
    ASSERT_EQ(2U, calls.size());
    EXPECT_EQ(R"({"city": "Rome"})", calls[1]["function"]["arguments"]);
    body["stream"] = true;
    int second_call = 0;
    for (const json& event : post("/v1/chat/completions", body).events()) {
        if (event["choices"].empty()) continue;
        const json& delta = event["choices"][0]["delta"];
        if (delta.contains("tool_calls") && delta["tool_calls"][0]["index"] == 1) ++second_call;
    }
    EXPECT_GT(second_call, 2);
}

TEST_F(Engine, EmbeddingsAreNearWhenWordsAreShared) {
    RehearsalOptions options;
    options.timing = instant_profile();
    start(options);
    const json out =
        post("/api/embed",
             {{"model", "rehearsal"},
              {"input", {"days of holiday", "holiday days a year", "the printer is broken"}}})
            .parsed()["embeddings"];
    const auto dot = [&](std::size_t a, std::size_t b) {
        double sum = 0;
        for (std::size_t i = 0; i < out[a].size(); ++i)
            sum += out[a][i].get<double>() * out[b][i].get<double>();
        return sum;
    };
    EXPECT_NEAR(1.0, dot(0, 0), 1e-5);
    EXPECT_GT(dot(0, 1), dot(0, 2) + 0.3);
}

TEST_F(Engine, ModelManagementWorks) {
    start_tiny(llm::Dialect::kOllama);
    EXPECT_TRUE(
        post("/api/pull", {{"model", "llama3.1:8b"}}).body.ends_with("{\"status\":\"success\"}\n"));
    EXPECT_EQ(2U, call("GET", "/api/tags").parsed()["models"].size());
    EXPECT_NE(std::string::npos,
              post("/api/pull", {{"model", "missing"}}).body.find("file does not exist"));
    EXPECT_EQ(200, call("DELETE", "/api/delete", R"({"model":"llama3.1:8b"})").status);
    EXPECT_EQ(1U, call("GET", "/api/tags").parsed()["models"].size());
    const std::string digest = "sha256:" + sha256_hex("hello");
    EXPECT_EQ(404, call("HEAD", "/api/blobs/" + digest).status);
    EXPECT_EQ(201, call("POST", "/api/blobs/" + digest, "hello").status);
    EXPECT_EQ(200, call("HEAD", "/api/blobs/" + digest).status);
}

TEST_F(Engine, RefusesWhatItCannotBe) {
    RehearsalOptions options;
    options.dialect = llm::Dialect::kAnthropic;
    EXPECT_FALSE(RehearsalThread::start(options, "127.0.0.1:0").has_value());
    options = {};
    options.models = {"bad name"};
    EXPECT_FALSE(RehearsalThread::start(options, "127.0.0.1:0").has_value());
}

}  // namespace
}  // namespace segue::engine::rehearsal::testkit
