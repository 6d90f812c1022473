#include "rewrite/code/advice.hpp"

#include <fmt/format.h>

#include <array>

#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"
#include "rewrite/code/options.hpp"
#include "rewrite/core/places.hpp"
#include "rewrite/core/yaml_lines.hpp"

namespace segue::rewrite {
namespace {

struct Row {
    std::string_view old;
    std::string_view fresh;
};

constexpr std::array kPaths{
    Row{"/api/chat",
        "POST /v1/chat/completions {model, messages, stream, max_tokens}: the answer is "
        "choices[0].message.content; a stream is lines \"data: {…}\" up to \"data: [DONE]\", each "
        "with choices[0].delta.content"},
    Row{"/api/generate",
        "POST /v1/chat/completions {model, messages: [{role: \"user\", content: prompt}], stream, "
        "max_tokens}: the answer is choices[0].message.content; a stream is lines \"data: {…}\" up "
        "to \"data: [DONE]\", each with choices[0].delta.content"},
    Row{"/api/embed", "POST /v1/embeddings {model, input}: the vectors are data[i].embedding"},
    Row{"/api/embeddings",
        "POST /v1/embeddings {model, input: prompt}: the vector is data[0].embedding"},
    Row{"/api/tags", "GET /v1/models: the names are data[i].id"},
    Row{"/api/version", "GET /health (200: ready), or GET /version"},
    Row{"/api/show", "GET /v1/models: max_model_len of the entry with this id"},
    Row{"/api/ps", "GET /v1/models: what is listed is loaded"},
    Row{"/api/pull", "delete the call: vLLM downloads its model when it starts"},
    Row{"/api/push", "delete the call: weights are published with hf upload"},
    Row{"/api/create",
        "delete the call: a system prompt goes into messages, parameters into the request"},
    Row{"/api/copy", "delete the call: further names are --served-model-name A B"},
    Row{"/api/delete", "delete the call: weights lie in the Hugging Face cache (hf cache rm)"},
    Row{"/api/blobs", "delete the call: vLLM loads weights from the Hugging Face cache"},
};

constexpr std::array kFields{
    Row{"response", "choices[0].message.content; in a stream choices[0].delta.content"},
    Row{"message", "choices[0].message; in a stream choices[0].delta"},
    Row{"done", "the line \"data: [DONE]\", or choices[0].finish_reason that is not null"},
    Row{"done_reason", "choices[0].finish_reason"},
    Row{"eval_count",
        "usage.completion_tokens (in a stream with stream_options: {include_usage: true})"},
    Row{"prompt_eval_count",
        "usage.prompt_tokens (in a stream with stream_options: {include_usage: true})"},
    Row{"embeddings", "data[i].embedding"},
    Row{"embedding", "data[0].embedding"},
    Row{"models", "data, each with id"},
    Row{"total_duration", "measure around the call: OpenAI's API does not say it"},
    Row{"load_duration", "measure around the call: OpenAI's API does not say it"},
    Row{"eval_duration", "measure around the call: OpenAI's API does not say it"},
    Row{"prompt_eval_duration", "measure around the call: OpenAI's API does not say it"},
    Row{"context", "send the conversation in messages"},
};

struct Package {
    std::string_view part;  // of the line
    std::string_view fresh;
};

// The most exact first.
constexpr std::array kPackages{
    Package{"github.com/ollama/ollama",
            "github.com/openai/openai-go: openai.NewClient(option.WithBaseURL(os.Getenv("
            "\"VLLM_ENDPOINT\")+\"/v1/\"), option.WithAPIKey(os.Getenv(\"VLLM_API_KEY\"))), then "
            "client.Chat.Completions.New"},
    Package{"langchaingo/llms/ollama",
            "langchaingo/llms/openai: openai.New(openai.WithBaseURL(endpoint+\"/v1\"), "
            "openai.WithToken(key), openai.WithModel(model))"},
    Package{"dev.langchain4j",
            "langchain4j-open-ai: OpenAiChatModel.builder().baseUrl(endpoint + "
            "\"/v1\").apiKey(key).modelName(model) (OpenAiStreamingChatModel, "
            "OpenAiEmbeddingModel likewise)"},
    Package{"OllamaChatModel",
            "OpenAiChatModel with base URL endpoint + \"/v1\", a key and the model's id"},
    Package{"OllamaStreamingChatModel",
            "OpenAiStreamingChatModel with base URL endpoint + \"/v1\", a key and the model's id"},
    Package{"OllamaEmbeddingModel",
            "OpenAiEmbeddingModel with base URL endpoint + \"/v1\", a key and the model's id"},
    Package{"spring-ai-starter-model-ollama", "spring-ai-starter-model-openai"},
    Package{"spring-ai-ollama-spring-boot-starter", "spring-ai-starter-model-openai"},
    Package{"spring-ai-ollama", "spring-ai-openai"},
    Package{"spring.ai.ollama",
            "spring.ai.openai: base-url (without /v1), api-key, chat.options.model, "
            "chat.options.max-tokens"},
    Package{"OllamaSharp",
            "the package OpenAI: new ChatClient(model, new ApiKeyCredential(key), new "
            "OpenAIClientOptions { Endpoint = new Uri(endpoint + \"/v1\") })"},
    Package{"OllamaApiClient",
            "new ChatClient(model, new ApiKeyCredential(key), new OpenAIClientOptions { Endpoint = "
            "new Uri(endpoint + \"/v1\") }) of the package OpenAI"},
    Package{"Microsoft.Extensions.AI.Ollama",
            "Microsoft.Extensions.AI.OpenAI: new OpenAIClient(key, new OpenAIClientOptions { "
            "Endpoint = new Uri(endpoint + \"/v1\") }).GetChatClient(model).AsIChatClient()"},
    Package{
        "OllamaChatClient",
        "new OpenAIClient(key, new OpenAIClientOptions { Endpoint = new Uri(endpoint + \"/v1\") "
        "}).GetChatClient(model).AsIChatClient()"},
    Package{"ollama_rs",
            "async-openai: Client::with_config(OpenAIConfig::new().with_api_base(format!(\""
            "{endpoint}/v1\")).with_api_key(key)), then client.chat().create(request)"},
    Package{"ollama-rs", "async-openai"},
    Package{"ollama4j", "com.openai:openai-java with baseUrl(endpoint + \"/v1\")"},
};

template <std::size_t N>
std::string_view find(const std::array<Row, N>& rows, std::string_view old) {
    for (const auto& row : rows)
        if (row.old == old) return row.fresh;
    return {};
}

/// `ollama pull llama3.1:8b` → what does the same for vLLM.
std::string command(std::string_view line, const ModelMap& own, const std::string& port) {
    const auto at = line.find("ollama ");
    if (line.find("systemctl") != line.npos || line.find("service ollama") != line.npos)
        return replace_all(trim(line), "ollama", "vllm");
    if (line.find("install.sh") != line.npos)
        return "delete the line: vLLM runs as a service of its own (vllm/vllm-openai), or pip "
               "install vllm";
    if (line.find("which ollama") != line.npos || line.find("command -v ollama") != line.npos)
        return "curl -sf http://localhost:" + port +
               "/health (the server need not be on this machine)";
    if (at == line.npos) return {};
    const auto rest = line.substr(at + 7);
    const auto verb = rest.substr(0, rest.find_first_of(" \t\"'`);|&"));
    const auto more = trim(rest.substr(verb.size()));
    const auto tag = yaml_unquoted(more.substr(0, more.find_first_of(" \t\"'`);|&")));
    const auto model = model_for(tag, own);
    const std::string id = model ? model->id
                           : tag.find('/') != tag.npos && tag.find(':') == tag.npos
                               ? std::string(tag)
                               : "<organisation/model>";
    if (verb == "pull")
        return fmt::format(
            "delete the line (vLLM downloads its model when it starts), or hf "
            "download {}",
            id);
    if (verb == "run") return "vllm serve " + id + ", then ask it over HTTP";
    if (verb == "serve") return "vllm serve " + id;
    if (verb == "list" || verb == "ls" || verb == "ps" || verb == "show")
        return "curl -s http://localhost:" + port + "/v1/models";
    if (verb == "rm") return "hf cache rm " + id;
    if (verb == "create" || verb == "cp" || verb == "push")
        return "delete the line: vLLM serves weights as they are; names are --served-model-name";
    if (verb == "stop") return "stop the server, or POST /sleep where it runs with sleep mode";
    return {};
}

}  // namespace

std::string advice(const audit::Finding& finding, const File& file, const ModelMap& own,
                   const std::string& port) {
    const auto line = line_around(file.text, finding.byte_start);
    switch (finding.rule) {
        case 101:
        case 102:
        case 110:
        case 112:
            for (const auto& package : kPackages)
                if (line.find(package.part) != line.npos) return std::string(package.fresh);
            if (file.language() == Language::kYaml &&
                file.text.find("spring:") != std::string::npos)
                return "spring.ai.openai: base-url (without /v1), api-key, chat.options.model, "
                       "chat.options.max-tokens";
            return {};
        case 103:
            if (const auto path = audit::find_native_path(line))
                return std::string(find(kPaths, line.substr(path->begin, path->end - path->begin)));
            return {};
        case 108:
            if (const auto known = new_option(finding.token)) {
                if (!known->name.empty())
                    return fmt::format("{}, at the top of the request", known->name);
                return fmt::format("delete it: {}", known->because);
            }
            if (finding.token == "keep_alive") return "delete it: vLLM keeps its model loaded";
            return {};
        case 109: return std::string(find(kFields, finding.token));
        case 117: return command(line, own, port);
        default: return {};
    }
}

}  // namespace segue::rewrite
