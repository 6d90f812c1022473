// Calls: of clients, of functions of the project, of what reads a reply or makes an address.
#include <algorithm>
#include <utility>

#include "audit/flow/pass.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {

using namespace trait;

Arguments Pass::arguments(Node node) {
    Arguments out;
    const Node list = child(node, "arguments");
    if (is_null(list)) return out;
    const bool was_asking = std::exchange(asking_, false);
    const auto count = list.named_count();
    for (std::uint32_t i = 0; i < count; ++i) {
        const Node part = list.named(i);
        if (kind(part) == NodeKind::kComment) continue;
        Argument argument;
        argument.node = part;
        if (kind(part) == NodeKind::kKeyword) {
            argument.key = child(part, "name");
            argument.name = text(argument.key);
            argument.node = child(part, "value");
        } else if (part.type() == "argument" && !is_null(child(part, "name"))) {
            argument.key = child(part, "name");
            argument.name = text(argument.key);
            argument.node = part.named(part.named_count() - 1);
        }
        argument.value = kind(argument.node) == NodeKind::kFunction
                             ? Value{}
                             : eval(argument.node, Place::kValue);
        out.push_back(std::move(argument));
    }
    asking_ = was_asking;
    return out;
}

void Pass::fields(const Arguments& list, const FieldVisitor& each) {
    for (const auto& argument : list) {
        if (!is_null(argument.key)) each(argument.key, argument.name, argument.node);
        object_fields(argument.node, each, 0);
    }
}

void Pass::object_fields(Node node, const FieldVisitor& each, int depth) {
    if (is_null(node) || depth > 3) return;
    if (kind(node) == NodeKind::kThrough || kind(node) == NodeKind::kNew) {
        const auto count = node.named_count();
        for (std::uint32_t i = 0; i < count; ++i)
            object_fields(node.named(i), each, depth + 1);
        return;
    }
    // JSON.stringify({...})
    if (kind(node) == NodeKind::kCall) {
        const Node list = child(node, "arguments");
        if (!is_null(list) && list.named_count() > 0) object_fields(list.named(0), each, depth + 1);
        return;
    }
    if (kind(node) != NodeKind::kObject) return;
    const auto count = node.named_count();
    for (std::uint32_t i = 0; i < count; ++i) {
        const Node pair = node.named(i);
        const Node key = pair_key(pair);
        if (is_null(key)) continue;
        const Node value = pair_value(pair);
        each(key, key_text(key), value);
        // { method, body: JSON.stringify({...}) }
        if (one_of(key_text(key), {"body", "json", "data", "payload", "content"}) &&
            !is_null(value))
            object_fields(value, each, depth + 1);
    }
}

void Pass::native_fields(const Arguments& list, const Value& callee) {
    fields(list, [&](Node key, std::string_view name, Node value) {
        if (is_own_option(name) || (is_shared_option(name) && !iequals(name, "context")))
            emit(Role::kOption, key, callee);
        if (iequals(name, "model")) {
            const Node place = is_null(value) ? key : value;  // { model, messages }
            if (!literal(place).empty() && !is_null(value))
                emit(Role::kModelString, place, callee);
            else if (const Value model = quiet(place); model.has(kTag) && !model.always(kTag))
                emit(Role::kModel, place, model, Confidence::kLikely);
        }
    });
}

std::string_view Pass::last_name(Node callee) const {
    if (kind(callee) == NodeKind::kName) return text(callee);
    if (kind(callee) == NodeKind::kMember) {
        const auto parts = member_parts(callee);
        return is_null(parts.second) ? std::string_view{} : text(parts.second);
    }
    if (kind(callee) == NodeKind::kThrough && callee.named_count() > 0)
        return last_name(callee.named(callee.named_count() - 1));
    return {};
}

Node Pass::last_node(Node callee) const {
    if (kind(callee) == NodeKind::kMember) {
        const auto parts = member_parts(callee);
        return is_null(parts.second) ? callee : parts.second;
    }
    return callee;
}

Value Pass::made(Node node) {
    Node maker = first({child(node, "constructor"), child(node, "type"), child(node, "name")});
    if (is_null(maker)) return {};
    const Value what = eval(maker, Place::kCallee);
    auto list = arguments(node);
    if (what.has(kMaker | kReplyType | kModule)) emit(Role::kClient, last_node(maker), what);
    Node body = child(node, "body");
    if (is_null(body)) body = child(node, "initializer");
    Value value = called(maker, what, Value{}, list);
    if (!is_null(body)) {
        const Value inner = eval(body, Place::kValue);
        if (what.has(kMaker)) {
            Argument argument;
            argument.node = body;
            native_fields({argument}, what);
        }
        const auto type = text(maker);
        if (file_.language == Language::kGo && !type.empty() &&
            type.find_first_of(".[") == std::string_view::npos && !what.has(kMaker)) {
            value.shape = go_shape(type);
            if (inner.shape >= 0) learn_attributes(value.shape, Names(attributes(inner.shape)));
        } else if (value.shape < 0) {
            value.shape = inner.shape;
        }
    }
    return value;
}

/// `params.ollama.chat({ model, messages })`, whatever `params` is.
bool Pass::asks_client(Node object, std::string_view name, const Arguments& list) {
    if (!is_client_method(name)) return false;
    const std::string called = to_lower(last_name(object));
    if (!one_of(called, {"ollama", "ollamaclient", "ollama_client", "_ollama", "ollama_"}))
        return false;
    bool model = false;
    bool content = false;
    fields(list, [&](Node, std::string_view key, Node) {
        model = model || iequals(key, "model");
        content =
            content || iequals(key, "messages") || iequals(key, "prompt") || iequals(key, "input");
    });
    return model && content;
}

Value Pass::call(Node node) {
    Node callee = child(node, "function");
    Value owner;
    Value what;
    std::string_view name;
    Node name_node = callee;
    Node object{};
    if (is_null(callee)) {  // Java: object.name(...)
        name_node = callee = child(node, "name");
        if (is_null(callee)) {
            visit_children(node);
            return {};
        }
        name = text(callee);
        object = child(node, "object");
        owner = is_null(object) ? self() : eval(object, Place::kObject);
        what = is_null(object) && owner.shape < 0
                   ? this->name(callee, Place::kCallee)
                   : member(owner, name, callee, Place::kCallee, false);
    } else {
        const auto callee_kind = kind(callee);
        name = last_name(callee);
        name_node = last_node(callee);
        if (callee_kind == NodeKind::kMember) {
            const auto parts = member_parts(callee);
            object = parts.first;
            const Node key = parts.second;
            owner = is_null(object) ? Value{} : eval(object, Place::kObject);
            what = is_null(key) ? Value{} : member(owner, text(key), key, Place::kCallee, false);
        } else {
            what = eval(callee, Place::kCallee);
        }
    }
    // What is only printed need not change by itself.
    const bool was_muted = muted_;
    muted_ = muted_ ||
             one_of(name, {"print", "info", "debug", "warning", "warn", "error", "exception", "log",
                           "critical", "Printf", "Println", "echo", "writeln", "trace"});
    auto list = arguments(node);
    muted_ = was_muted;
    if (!is_null(object) && !says_something(what) && !says_something(owner) &&
        asks_client(object, name, list))
        what = with(kMethod, name_node, "a client by its name and by how it is asked");
    // `importlib.import_module("ollama")`, require('ollama'), import('ollama').
    if (!list.empty() && one_of(name, {"require", "import_module", "__import__", "import"})) {
        const auto module = literal(list.front().node);
        if (is_ollama_package(module) && !local(module)) {
            const Value value = with(
                kModule | (is_native_package(module) ? 0U : static_cast<std::uint32_t>(kConnector)),
                list.front().node, "the package is imported");
            emit(Role::kImport, list.front().node, value);
            return value;
        }
        if (local(module))
            if (const auto file = resolve(module)) return module_value(*file);
        return {};
    }
    // `const m = await import('ollama')`: the callee is a keyword.
    const bool step = owner.has(kMaker) && !name.starts_with("builder") &&
                      !name.starts_with("new") && !name.starts_with("create") &&
                      !name.starts_with("default") && !name.starts_with("from") &&
                      file_.language != Language::kPython;
    if (step) {
        // A step of a builder: what it sets is said by its own rules.
    } else if (what.has(kMaker | kMethod) ||
               (what.has(kModule) && !name.empty() && !owner.has(kModule)) ||
               (what.has(kClient) && what.has(kConnector) && !owner.has(kClient)))
        emit(Role::kClient, name_node, what);
    Value value = called(name_node, what, owner, list);
    callbacks(name, list, what, value);
    return value;
}

void Pass::callbacks(std::string_view name, Arguments& list, const Value& what,
                     const Value& result) {
    const bool failure = one_of(name, {"catch", "finally", "orElse", "unwrap_or_else"});
    for (auto& argument : list) {
        if (kind(argument.node) != NodeKind::kFunction) continue;
        argument.value = function(argument.node, {});
        Value given;
        if (result.has(kReply)) given = inherit(result, kReply | kOpenAi | kRaw);
        if (what.has(kReply)) given.merge(inherit(what, kReply | kOpenAi | kRaw));
        if (!failure) bind_parameter(function_at(argument.value.function), 0, given);
    }
}

void Pass::give(const Function& function, std::size_t position, const Value& value) {
    // What a test hands in says nothing of the program that it tests.
    if (file_.parsed->source.form().test && !world_.files[function.file].parsed->source.form().test)
        return;
    Value given = value;
    given.given |= std::exchange(given.traits, 0);
    bind_parameter(function, position, given);
}

void Pass::bind_parameter(const Function& function, std::size_t position, const Value& value) {
    if (position >= function.parameters.size() || function.parameters[position].empty() ||
        !says_something(value))
        return;
    learn_name(function.file, function.scope, function.parameters[position], value);
}

Value Pass::called(Node name_node, const Value& what, const Value& owner, const Arguments& list) {
    const auto name = last_name(name_node);
    Value value;
    value.from = what.from;
    if (what.has(kReplyType)) value.traits |= kReply;
    if (what.has(kMaker)) {
        value.traits |= kClient | (what.traits & kConnector);
        // A builder stays one until it is built.
        if (owner.has(kMaker) && name != "build" && file_.language != Language::kPython)
            value.traits |= kMaker;
    }
    if (what.has(kMethod)) value.traits |= kReply;
    // A provider of the Vercel AI SDK: ollama('llama3.2').
    if (what.has(kModule) && !what.has(kMethod | kMaker) && what.has(kConnector))
        value.traits |= kClient | kConnector;
    client_arguments(what, list);
    if (what.function >= 0) value.merge(enter(what.function, list));
    value.traits |= what.returns;
    if (value.shape < 0) value.shape = what.returns_shape;
    http(name, owner, list, value);
    read_reply(name_node, what, owner, list, value);
    make_url(name, owner, list, value);
    settings(name, list, value);
    return value;
}

void Pass::client_arguments(const Value& what, const Arguments& list) {
    if (what.has(kMaker)) native_fields(list, what);
    if (what.has(kMethod)) native_fields(list, what);
    if (list.empty()) return;
    const auto& head = list.front();
    const auto tag = literal(head.node);
    const bool is_model = (literal_traits(tag) & kTag) != 0;
    const bool provider = what.has(kModule) && !what.has(kMethod | kMaker) && what.has(kConnector);
    const bool connector = what.has(kMaker | kClient) && what.has(kConnector);
    const bool method = what.has(kMethod) && file_.language != Language::kGo && is_null(head.key);
    if ((provider && !tag.empty()) || ((connector || method) && is_model))
        emit(Role::kModelString, head.node, what);
}

Value Pass::enter(int function, const Arguments& list) {
    const auto& known = function_at(function);
    std::size_t position = 0;
    for (const auto& argument : list) {
        std::size_t at = position;
        if (!is_null(argument.key)) {
            const auto named =
                std::find(known.parameters.begin(), known.parameters.end(), argument.name);
            if (named == known.parameters.end()) continue;
            at = static_cast<std::size_t>(named - known.parameters.begin());
        } else {
            ++position;
        }
        give(known, at, argument.value);
    }
    // What callers handed in comes back to those who did.
    Value result = result_of(function);
    const auto through = std::exchange(result.given, 0);
    for (const auto& argument : list)
        result.merge(inherit(argument.value, through));
    return result;
}

void Pass::read_reply(Node name_node, const Value& what, const Value& owner, const Arguments& list,
                      Value& value) {
    const auto name = last_name(name_node);
    if (owner.has(kReply)) {
        value.merge(inherit(owner, kReply | kOpenAi));
        if (one_of(name, {"iter_lines", "aiter_lines", "iter_content", "readline", "Scan",
                          "NewScanner", "lines"}) &&
            !owner.has(kOpenAi))
            emit(Role::kReply, name_node, owner, Confidence::kLikely);
        if (one_of(name, {"get", "pop", "GetProperty", "path", "getString", "TryGetProperty"}) &&
            !list.empty()) {
            const auto key = literal(list.front().node);
            if (is_own_reply_field(key) || is_shared_reply_field(key))
                emit(Role::kReply, list.front().node, owner, Confidence::kLikely);
        }
        // json.NewDecoder(r.Body).Decode(&out)
        if (one_of(name, {"Decode", "Unmarshal"}) && !list.empty()) fill(list.back().node, owner);
    }
    if (what.function >= 0) return;  // one of the project, whatever it is called
    for (const auto& argument : list)
        if (argument.value.has(kReply) &&
            one_of(name, {"loads",       "parse",      "decode",      "Unmarshal", "NewDecoder",
                          "NewScanner",  "NewReader",  "Deserialize", "from_str",  "ReadAll",
                          "readValue",   "from_slice", "dict",        "list",      "str",
                          "iter",        "aiter",      "enumerate",   "next",      "anext",
                          "TextDecoder", "String"})) {
            value.merge(inherit(argument.value, kReply | kOpenAi));
            if (name == "Unmarshal" && list.size() > 1) fill(list.back().node, argument.value);
            if (one_of(name, {"loads", "parse"}) && !argument.value.has(kOpenAi))
                emit(Role::kReply, name_node, argument.value, Confidence::kLikely);
        }
}

void Pass::make_url(std::string_view name, const Value& owner, const Arguments& list,
                    Value& value) {
    static constexpr std::string_view kUrlMakers[] = {
        "URL",       "urljoin",    "join",       "format",  "Sprintf",  "str",
        "replace",   "rstrip",     "trim",       "strip",   "rtrim",    "trimEnd",
        "TrimRight", "TrimSuffix", "String",     "concat",  "toString", "Uri",
        "create",    "JoinPath",   "Parse",      "parse",   "lower",    "removesuffix",
        "formatted", "resolve",    "AnyHttpUrl", "HttpUrl", "Field"};
    const bool address =
        owner.has(kAddress) || std::any_of(list.begin(), list.end(), [](const Argument& argument) {
            return argument.value.has(kAddress);
        });
    if (!address ||
        std::find(std::begin(kUrlMakers), std::end(kUrlMakers), name) == std::end(kUrlMakers))
        return;
    if (owner.has(kAddress)) value.merge(inherit(owner, kAddress | kOpenAi | kApiBase));
    for (const auto& argument : list) {
        const auto fragment = literal(argument.node);
        if (value.has(kAddress) && !fragment.empty()) {
            tail(fragment, argument.node.start() + 1, value);
            if (fragment.find("/v1") != std::string_view::npos) value.traits |= kOpenAi;
        }
        value.merge(inherit(argument.value, kAddress | kOpenAi | kApiBase));
    }
    // URL('/api/chat', base): the path comes first.
    for (const auto& argument : list)
        if (const auto fragment = literal(argument.node); fragment.starts_with('/'))
            tail(fragment, argument.node.start() + 1, value);
}

void Pass::fill(Node target, const Value& reply) {
    if (kind(target) == NodeKind::kThrough && target.named_count() > 0)
        target = target.named(target.named_count() - 1);
    const Value filled = inherit(reply, kReply | kOpenAi);
    bind_target(target, filled);
    if (kind(target) != NodeKind::kName) return;
    bind_outward(text(target), filled);
    if (const auto type = struct_types_.find(text(target)); type != struct_types_.end())
        reply_fields(type->second, reply, 0);
}

}  // namespace segue::audit
