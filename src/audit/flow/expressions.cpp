// What an expression stands for.
#include <algorithm>
#include <cctype>
#include <utility>

#include "audit/flow/pass.hpp"
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "audit/text/words.hpp"
#include "base/text.hpp"

namespace segue::audit {

using namespace trait;

namespace {

bool is_receiver(std::string_view word) {
    return word.size() <= 2 || word == "svc" || word == "client" || word == "srv" || word == "app";
}

}  // namespace

Value Pass::eval(Node node, Place where) {
    if (is_null(node) || depth_ > kMaxDepth) return {};
    ++depth_;
    Value value = eval_inner(node, where);
    --depth_;
    return value;
}

Value Pass::quiet(Node node) {
    const bool was = emit_;
    emit_ = false;
    Value value = eval(node, Place::kObject);
    emit_ = was;
    return value;
}

Value Pass::eval_inner(Node node, Place where) {
    switch (kind(node)) {
        case NodeKind::kName: return name(node, where);
        case NodeKind::kSelf: return self();
        case NodeKind::kString: return string(node);
        case NodeKind::kNumber:
            return find_port(text(node)) ? with(kAddress, node, "the port of Ollama") : Value{};
        case NodeKind::kMember: {
            const auto [object, key] = member_parts(node);
            if (is_null(key)) return {};
            if (is_null(object)) return member(self(), text(key), key, where, false);
            const Value owner = eval(object, Place::kObject);
            Value value = member(owner, text(key), key, where, false);
            return value;
        }
        case NodeKind::kIndex: return index(node, where);
        case NodeKind::kCall: return call(node);
        case NodeKind::kNew: return made(node);
        case NodeKind::kMix: return mix(node);
        case NodeKind::kObject: return object(node);
        case NodeKind::kAssign: return assign(node);
        case NodeKind::kFunction: return function(node, {});
        case NodeKind::kClass: class_body(node); return {};
        case NodeKind::kWith: {
            const auto count = node.named_count();
            const Value value = count > 0 ? eval(node.named(0), Place::kValue) : Value{};
            const Node alias = child(node, "alias");
            const Node parent = node.parent();
            // `except ResponseError as e`: the error is no client.
            const bool caught = !is_null(parent) && parent.type() == "except_clause";
            if (!is_null(alias) && !caught) bind_target(alias, value);
            return value;
        }
        case NodeKind::kReturn: returns(node); return {};
        case NodeKind::kFor: loop(node); return {};
        case NodeKind::kImport: import(node); return {};
        case NodeKind::kComment:
        case NodeKind::kError: return {};
        case NodeKind::kThrough:
        case NodeKind::kPair:
        case NodeKind::kKeyword:
        case NodeKind::kList:
        case NodeKind::kParameter:
        case NodeKind::kOther: break;
    }
    if (node.type() == "cast_expression") {
        Value value = instance(eval(child(node, "type"), Place::kType), child(node, "type"));
        value.merge(eval(child(node, "value"), where));
        return value;
    }
    Value all;
    const auto count = node.named_count();
    const std::string_view how = node.type();
    const bool asserts = how == "as_expression" || how == "satisfies_expression";
    const bool keep = kind(node) == NodeKind::kThrough || kind(node) == NodeKind::kList;
    for (std::uint32_t i = 0; i < count; ++i) {
        const Node part = node.named(i);
        // (await res.json()) as { response: string }
        if (asserts && i > 0 && all.has(kReply)) reply_fields(part, all, 0);
        if (kind(part) == NodeKind::kOther && !keep) {
            visit(part);
            continue;
        }
        const Value value = eval(part, where == Place::kObject && keep ? Place::kObject : where);
        if (keep) all.merge(value);
    }
    return all;
}

Value Pass::self() const {
    Value value;
    if (!classes_.empty()) value.shape = classes_.back();
    return value;
}

namespace {

/// `using OllamaSharp.Models;` brings them all in without naming one.
bool is_sharp_type(std::string_view name) {
    static constexpr auto kTypes = words<14>(
        "ChatRequest GenerateRequest EmbedRequest PullModelRequest PushModelRequest "
        "CreateModelRequest CopyModelRequest DeleteModelRequest ShowModelRequest RequestOptions "
        "ChatRole ChatResponseStream GenerateResponseStream OllamaOption");
    return holds(kTypes, name);
}

}  // namespace

Value Pass::name(Node node, Place where) {
    const auto word = text(node);
    if ((word == "self" || word == "this" || word == "cls") && !classes_.empty()) return self();
    if (file_.language == Language::kGo && !classes_.empty() && where == Place::kObject &&
        lookup(word) == nullptr && is_receiver(word))
        return self();
    const Value* known = lookup(word);
    Value value = known != nullptr ? *known : Value{};
    if (known == nullptr) {
        // An attribute that is read without `this` (Java, C#).
        if (!classes_.empty() &&
            (file_.language == Language::kJava || file_.language == Language::kCSharp))
            value = attribute_of(classes_.back(), word);
        if (!says_something(value) && node.type() != "property_identifier" && is_connector(word) &&
            !world_.model.defined.contains(word) && file_.speaks)
            value = with(kMaker | (word.starts_with("Ollama") && word.ends_with("Client")
                                       ? 0U
                                       : static_cast<std::uint32_t>(kConnector)),
                         node, "a class of Ollama's client");
        if (!says_something(value) && file_.language == Language::kCSharp && is_sharp_type(word) &&
            file_.script->find("using OllamaSharp") != std::string::npos)
            value = with(kMaker, node, "a type of OllamaSharp");
    }
    if (!says_something(value) && where != Place::kType) value = environment(word, node);
    emit_use(node, value, where);
    return value;
}

std::pair<Node, Node> Pass::member_parts(Node node) const {
    Node object = first({child(node, "object"), child(node, "operand"), child(node, "expression"),
                         child(node, "value"), child(node, "path"), child(node, "scope"),
                         child(node, "qualifier"), child(node, "package")});
    Node key = first({child(node, "attribute"), child(node, "property"), child(node, "field"),
                      child(node, "name")});
    const auto count = node.named_count();
    if (is_null(key) && count > 0) key = node.named(count - 1);
    if (is_null(object) && count > 1) object = node.named(0);
    return {object, key};
}

Value Pass::member(const Value& owner, std::string_view key, Node node, Place where, bool pattern) {
    if (owner.has(kReply)) {
        if (owner.has(kRaw)) return inherit(owner, kReply | kOpenAi);  // .data, .content, .Body
        if (is_own_reply_field(key) || is_shared_reply_field(key)) {
            if (where != Place::kCallee) emit(Role::kReply, node, owner, Confidence::kLikely);
            // Texts, counters, flags: what is made of them is no reply any more.
            const bool holds_more = one_of(
                key, {"message", "Message", "models", "Models", "details", "Details", "embeddings",
                      "Embeddings", "tool_calls", "ToolCalls", "toolCalls", "model_info"});
            return holds_more ? inherit(owner, kReply) : Value{};
        }
        return inherit(owner, kReply | kOpenAi);
    }
    if (owner.has(kModule)) {
        Value value = inherit(owner, kConnector);
        value.traits |= key == "default" ? static_cast<std::uint32_t>(kClient)
                                         : import_traits(key, owner.has(kConnector));
        if (owner.has(kClient) && is_client_method(key)) value.traits = kMethod;
        if (where != Place::kCallee && !pattern) emit_use(node, value, where);
        return value;
    }
    if (owner.has(kMaker)) {
        // Client.builder(), Ollama::new(), Type.CONSTANT.
        Value value = inherit(owner, kConnector | kMaker);
        if (where == Place::kValue) emit_use(node, value, where);
        return value;
    }
    if (owner.has(kClient)) {
        Value value = inherit(owner, kClient | kConnector);
        if (!owner.has(kConnector)) value.traits |= kMethod;
        if (where == Place::kValue && value.has(kMethod)) emit_use(node, value, where);
        return value;
    }
    if (owner.has(kOpenAiClient | kHttp))
        return inherit(owner, kOpenAiClient | kHttp | kOpenAi | kApiBase);
    if (owner.shape >= 0) {
        Value value = attribute_of(owner.shape, key);
        if (says_something(value)) {
            emit_use(node, value, where);
            return value;
        }
    }
    Value value = environment(key, node);
    if (!says_something(value) && owner.has(kAddress) &&
        one_of(key, {"href", "origin", "host", "hostname", "port", "String", "toString"}))
        value = inherit(owner, kAddress | kOpenAi | kApiBase);
    if (says_something(value)) emit_use(node, value, where);
    return value;
}

bool Pass::is_another_setting(Node node, const Value& value) const {
    if (says_something(value) || is_null(node)) return false;
    const auto said = text(node);
    if (said.size() > 200 || has_word(said)) return false;
    if (!literal(node).empty()) return true;
    for (std::size_t at = 0; at < said.size();) {
        const auto end = std::min(
            said.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", at), said.size());
        if (is_env_like(said.substr(at, end - at))) return true;
        at = end + 1;
    }
    return false;
}

Value Pass::environment(std::string_view name, Node node) const {
    const auto learned = world_.model.learned.find(name);
    if (learned != world_.model.learned.end()) {
        Value value;
        if (learned->second.carries == Carries::kAddress) value.traits = kAddress;
        if (learned->second.carries == Carries::kModel) value.traits = kTag;
        value.from = learned->second.from;
        return value;
    }
    if (!has_word(name)) return {};
    static constexpr std::string_view kUrls[] = {"url",     "host", "base",   "endpoint", "addr",
                                                 "address", "port", "server", "api",      "uri"};
    static constexpr std::string_view kModels[] = {"model", "embed", "embedding", "llm", "models"};
    // OLLAMA_EMBEDDING_BATCH_SIZE, OLLAMA_MODEL_TOKEN_LIMIT, OLLAMA_HOST_TIMEOUT: a number about
    // it.
    static constexpr std::string_view kNumbers[] = {
        "size", "limit",  "length",  "timeout", "tokens", "dimension", "dimensions", "dim",
        "max",  "window", "retries", "count",   "ttl",    "workers",   "concurrency"};
    const std::string spaced = replace_all(name, "_", " ");
    if (mentions(spaced, kNumbers)) return {};
    Value value;
    if (mentions(spaced, kModels))
        value = with(kTag, node, std::string(name) + " names a model");
    else if (mentions(spaced, kUrls))
        value = with(kAddress, node, std::string(name) + " names the server");
    // Of a variable or an attribute it is only likely: enough to follow it, not to say so.
    if (!is_env_like(name)) value.given = std::exchange(value.traits, 0);
    return value;
}

Value Pass::index(Node node, Place where) {
    Node object = first({child(node, "value"), child(node, "object"), child(node, "operand"),
                         child(node, "expression"), child(node, "array")});
    Node key = first({child(node, "subscript"), child(node, "index")});
    const auto count = node.named_count();
    if (is_null(object) && count > 0) object = node.named(0);
    if (is_null(key) && count > 1) key = node.named(count - 1);
    if (is_null(object)) return {};
    const Value owner = eval(object, Place::kObject);
    if (is_null(key)) return owner;
    const auto key_text = literal(key);
    if (!key_text.empty()) return member(owner, key_text, key, where, false);
    (void)eval(key, Place::kValue);
    if (is_several(owner)) {
        const auto& items = attributes(owner.shape);
        if (const auto item = items.find("#" + std::string(text(key))); item != items.end())
            return item->second;
    }
    return inherit(owner, kReply | kTag | kAddress | kOpenAi);
}

Value Pass::object(Node node) {
    Value value;
    const auto count = node.named_count();
    bool model = false;
    bool messages = false;
    for (std::uint32_t i = 0; i < count; ++i) {
        const Node pair = node.named(i);
        const Node key = pair_key(pair);
        if (is_null(key)) continue;
        const auto name = key_text(key);
        model = model || iequals(name, "model");
        messages = messages || iequals(name, "messages") || iequals(name, "prompt") ||
                   iequals(name, "input");
    }
    const bool request = model && messages && native_request_near();
    for (std::uint32_t i = 0; i < count; ++i) {
        const Node pair = node.named(i);
        const Node key = pair_key(pair);
        if (is_null(key)) {
            (void)eval(pair, Place::kValue);
            continue;
        }
        const auto name = key_text(key);
        Node part = pair_value(pair);
        Value inner = is_null(part)                       ? Value{}
                      : kind(part) == NodeKind::kFunction ? function(part, {})
                                                          : eval(part, Place::kValue);
        if (is_null(part) && kind(pair) == NodeKind::kName) inner = this->name(pair, Place::kValue);
        if (request && (is_shared_option(name) || is_own_option(name)) && !iequals(name, "context"))
            emit(Role::kOption, key, Value{}, Confidence::kLikely);
        if (request && iequals(name, "model") && inner.has(kTag) && !inner.always(kTag))
            emit(Role::kModel, is_null(part) ? key : part, inner, Confidence::kLikely);
        if (says_something(inner)) {
            if (value.shape < 0) value.shape = world_.shape(id("@" + std::to_string(node.start())));
            learn_attribute(value.shape, name, inner);
        }
    }
    return value;
}

bool Pass::native_request_near() const {
    if (native_request_ < 0) {
        const auto& tokens = file_.parsed->tokens;
        native_request_ =
            std::any_of(tokens.begin(), tokens.end(),
                        [](const Token& token) {
                            return token.type == TokenType::kPath ||
                                   (token.type == TokenType::kFlow && token.role == Role::kTail);
                        }) &&
                    file_.speaks
                ? 1
                : 0;
    }
    return native_request_ == 1;
}

Node Pass::pair_key(Node pair) const {
    Node key = first({child(pair, "key"), child(pair, "field"), child(pair, "name")});
    if (is_null(key) && kind(pair) == NodeKind::kAssign) key = child(pair, "left");
    if (is_null(key) && pair.type() == "shorthand_property_identifier") key = pair;
    if (is_null(key) && kind(pair) == NodeKind::kPair && pair.named_count() == 2)
        key = pair.named(0);
    return key;
}

Node Pass::pair_value(Node pair) const {
    Node value = child(pair, "value");
    if (is_null(value) && kind(pair) == NodeKind::kAssign) value = child(pair, "right");
    if (is_null(value) && kind(pair) == NodeKind::kPair && pair.named_count() == 2)
        value = pair.named(1);
    if (is_null(value) && pair.type() == "method_definition") return Node{};
    return value;
}

std::string_view Pass::key_text(Node key) const {
    const auto string = literal(key);
    return string.empty() ? text(key) : string;
}

}  // namespace segue::audit
