// Functions, classes, and the targets that a value is bound to.
#include <algorithm>
#include <cctype>
#include <utility>

#include "audit/flow/pass.hpp"
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {

using namespace trait;

namespace {

std::string to_upper(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    return out;
}

}  // namespace

Value Pass::function(Node node, std::string_view bound) {
    const auto scope = node.start() + 1;  // never 0, the module's
    const int known = world_.function(index_, scope);
    Value value;
    value.function = known;
    Node name = child(node, "name");
    const std::string_view own_name = is_null(name) ? bound : text(name);
    const bool method = in_class_body_;
    const int receiver = go_receiver(node);
    const bool outer = in_class_body_;
    in_class_body_ = false;
    const bool was_asking = std::exchange(asking_, false);
    scopes_.push_back(scope);
    functions_.push_back(known);
    const Node list = first({child(node, "parameters"), child(node, "parameter")});
    std::vector<std::string> parameters;
    if (receiver >= 0) classes_.push_back(receiver);
    if (!is_null(list)) {
        if (kind(list) == NodeKind::kName) {
            parameters.emplace_back(text(list));
        } else {
            const auto count = list.named_count();
            for (std::uint32_t i = 0; i < count; ++i)
                parameter(list.named(i), parameters);
        }
    }
    if (!parameters.empty() && (parameters.front() == "self" || parameters.front() == "cls" ||
                                parameters.front() == "&self"))
        parameters.erase(parameters.begin());
    learn_parameters(known, std::move(parameters));
    for (const Field field : {Field("return_type"), Field("result"), Field("returns")})
        if (const Node type = child(node, field); !is_null(type)) (void)eval(type, Place::kType);
    const Node body = child(node, "body");
    if (!is_null(body)) {
        const auto body_kind = kind(body);
        const bool expression = body_kind != NodeKind::kOther && body_kind != NodeKind::kReturn &&
                                body_kind != NodeKind::kFor;
        if (expression && body.type() != "block")
            learn_result(known, eval(body, Place::kValue));
        else
            visit(body);
    } else {
        // C# writes `=> expression` without a field.
        const auto count = node.named_count();
        for (std::uint32_t i = 0; i < count; ++i) {
            const Node part = node.named(i);
            if (part.type() == "arrow_expression_clause") returns(part);
        }
    }
    if (receiver >= 0) classes_.pop_back();
    functions_.pop_back();
    scopes_.pop_back();
    in_class_body_ = outer;
    asking_ = was_asking;
    const Value result = result_of(known);
    value.returns = result.traits;
    value.returns_shape = result.shape;
    value.from = result.from;
    if (!own_name.empty()) {
        if (receiver >= 0)
            learn_attribute(receiver, own_name, value);
        else if (method && own_name != "constructor" && own_name != "__init__")
            learn_attribute(classes_.back(), own_name, value);
        else if (method)
            constructors_[classes_.back()] = known;
        else
            bind(own_name, value);
        // A property reads as its value.
        if (method && node.named_count() > 0) property(node, own_name, result);
    }
    return value;
}

void Pass::property(Node node, std::string_view name, const Value& result) {
    const Node parent = node.parent();
    const bool decorated = !is_null(parent) && parent.type() == "decorated_definition" &&
                           text(parent).substr(0, 40).find("property") != std::string_view::npos;
    if (decorated || text(node).starts_with("get ")) learn_attribute(classes_.back(), name, result);
}

int Pass::go_receiver(Node node) {
    const Node receiver = child(node, "receiver");
    if (is_null(receiver) || file_.language != Language::kGo) return -1;
    auto type = text(receiver);
    const auto star = type.find_last_of("* ");
    if (star != std::string_view::npos) type = type.substr(star + 1);
    while (!type.empty() && (type.back() == ')' || type.back() == ' '))
        type.remove_suffix(1);
    const int shape = go_shape(type);
    return shape;
}

int Pass::go_shape(std::string_view type) {
    const auto& path = file_.parsed->source.path();
    return world_.shape("go " +
                        path.substr(0, path.rfind('/') == std::string::npos ? 0 : path.rfind('/')) +
                        ":" + std::string(type));
}

void Pass::parameter(Node node, std::vector<std::string>& names) {
    Node name = child(node, "name");
    if (is_null(name)) name = child(node, "pattern");
    const Node type = child(node, "type");
    Node value = child(node, "value");
    if (kind(node) == NodeKind::kName) name = node;
    if (is_null(name) && node.type() == "typed_parameter") name = node.named(0);
    if (is_null(name) && kind(node) == NodeKind::kAssign) {  // assignment_pattern of JavaScript
        name = child(node, "left");
        value = child(node, "right");
    }
    if (node.type() == "assignment_pattern") {
        name = child(node, "left");
        value = child(node, "right");
    }
    if (is_null(name)) {
        visit_children(node);
        names.emplace_back();
        return;
    }
    names.emplace_back(text(name));
    Value all;
    if (!is_null(type)) all.merge(instance(eval(type, Place::kType), type));
    if (!is_null(value)) all.merge(eval(value, Place::kValue));
    bind_target(name, all);
    // TypeScript: `constructor(private client: Ollama)` declares an attribute.
    if (!classes_.empty() && kind(name) == NodeKind::kName &&
        (text(node).starts_with("private ") || text(node).starts_with("public ") ||
         text(node).starts_with("readonly ") || text(node).starts_with("protected ")) &&
        file_.language != Language::kJava)
        learn_attribute(classes_.back(), text(name), all);
}

Value Pass::instance(const Value& type, Node node) {
    Value value;
    if (type.has(kMaker)) value.traits |= kClient | (type.traits & kConnector);
    if (type.has(kReplyType)) value.traits |= kReply;
    value.shape = type.returns_shape;
    value.from = type.from;
    if (file_.language == Language::kGo && value.traits == 0) {
        auto name = text(node);
        while (name.starts_with('*'))
            name.remove_prefix(1);
        if (!name.empty() && std::isupper(static_cast<unsigned char>(name.front())) != 0 &&
            name.find('.') == std::string_view::npos)
            value.shape = go_shape(name);
        if (!name.empty() && name.find_first_of(".[{ (") == std::string_view::npos &&
            std::islower(static_cast<unsigned char>(name.front())) != 0 &&
            !one_of(name, {"string", "int", "bool", "error", "any", "byte", "float64", "int64"}))
            value.shape = go_shape(name);
        if (const auto dot = name.find('.'); dot != std::string_view::npos && value.shape < 0)
            value.shape = go_type(name);
    }
    return value;
}

void Pass::class_body(Node node) {
    Node name = child(node, "name");
    if (is_null(name)) name = child(node, "type");
    const std::string class_name =
        is_null(name) ? "@" + std::to_string(node.start()) : std::string(text(name));
    const int shape = world_.shape(id(class_name));
    Value value;
    value.returns_shape = shape;
    if (const auto made = constructors_.find(shape); made != constructors_.end())
        value.function = made->second;
    const Node body = first({child(node, "body"), child(node, "value")});
    const auto count = node.named_count();
    for (std::uint32_t i = 0; i < count; ++i) {
        const Node part = node.named(i);
        if ((!is_null(body) && part == body) || (!is_null(name) && part == name)) continue;
        const std::string_view type = part.type();
        if (type == "decorator" || type == "modifiers" || type == "attribute_list") continue;
        bases(part, shape, value);
    }
    bind(class_name, value);
    if (is_null(body)) return;
    declared_fields(body, class_name);
    const bool outer = in_class_body_;
    in_class_body_ = true;
    classes_.push_back(shape);
    scopes_.push_back(node.start() + 1);
    visit_children(body);
    scopes_.pop_back();
    classes_.pop_back();
    in_class_body_ = outer;
    if (const auto made = constructors_.find(shape); made != constructors_.end()) {
        Value with_constructor;
        with_constructor.function = made->second;
        bind(class_name, with_constructor);
    }
}

namespace {

/// The name that a field has on the wire: `json:"done"` before `Done`.
std::string_view wire_name(std::string_view name, std::string_view tag) {
    const auto at = tag.find("json:\"");
    if (at == std::string_view::npos) return name;
    tag = tag.substr(at + 6);
    return tag.substr(0, tag.find_first_of(",\""));
}

/// Names of replies that say little by themselves (`name`, `size`) are left out.
bool is_telling_reply_field(std::string_view name) {
    return is_own_reply_field(name) ||
           one_of(name, {"response", "Response", "done", "Done", "message", "Message", "models",
                         "Models", "embedding", "Embedding", "embeddings", "Embeddings", "thinking",
                         "total_duration", "totalDuration", "size_vram", "modified_at"});
}

}  // namespace

void Pass::reply_fields(Node type, const Value& reply, int depth) {
    if (depth > 4) return;
    const auto count = type.named_count();
    for (std::uint32_t i = 0; i < count; ++i) {
        const Node part = type.named(i);
        const Node name = child(part, "name");
        const std::string_view kind_name = part.type();
        if (!is_null(name) &&
            (kind_name == "field_declaration" || kind_name == "property_signature")) {
            const Node tag = child(part, "tag");
            const auto field = wire_name(text(name), is_null(tag) ? "" : text(tag));
            if (is_telling_reply_field(field)) emit(Role::kReply, name, reply, Confidence::kLikely);
        }
        reply_fields(part, reply, depth + 1);
    }
}

void Pass::declared_fields(Node body, std::string_view type_name) {
    if (!has_word(type_name)) return;
    static constexpr std::string_view kReplies[] = {"response", "reply", "result", "chunk",
                                                    "answer"};
    static constexpr std::string_view kRequests[] = {"request", "payload", "body", "params"};
    const bool reply = mentions(type_name, kReplies);
    const bool request = mentions(type_name, kRequests);
    if (!reply && !request) return;
    const auto count = body.named_count();
    for (std::uint32_t i = 0; i < count; ++i) {
        Node part = body.named(i);
        if (part.type() == "expression_statement" && part.named_count() > 0) part = part.named(0);
        const std::string_view what = part.type();
        if (what == "field_declaration_list") {
            declared_fields(part, type_name);
            continue;
        }
        // Only what has a type: methods and values of a class are no fields of the wire.
        const Node name = first({child(part, "name"), child(part, "left")});
        if (is_null(name) || is_null(child(part, "type"))) continue;
        if (kind(part) == NodeKind::kFunction) continue;
        const Node tag = child(part, "tag");
        const auto field = wire_name(text(name), is_null(tag) ? "" : text(tag));
        if (reply && is_telling_reply_field(field))
            emit(Role::kReply, name, Value{}, Confidence::kLikely);
        if (request && (is_own_option(field) || (is_shared_option(field) && field != "context")))
            emit(Role::kOption, name, Value{}, Confidence::kLikely);
    }
}

void Pass::type_alias(Node node) {
    const Node name = child(node, "name");
    const Node type = child(node, "value");
    if (is_null(name) || is_null(type)) return;
    if (type.type() == "object_type")
        class_body(node);
    else
        bind(text(name), eval(type, Place::kType));
}

void Pass::bases(Node node, int shape, Value& value) {
    const auto node_kind = kind(node);
    if (node_kind == NodeKind::kName || node_kind == NodeKind::kMember) {
        const Value base = eval(node, Place::kType);
        if (base.has(kMaker)) value.merge(base);
        if (base.returns_shape >= 0 && base.returns_shape != shape)
            learn_attributes(shape, Names(attributes(base.returns_shape)));
        return;
    }
    const auto count = node.named_count();
    for (std::uint32_t i = 0; i < count; ++i)
        bases(node.named(i), shape, value);
}

namespace {

/// Which item the i-th name of a pattern gets: `const [, set] = state()` has holes.
std::size_t item_of(Node pattern, std::uint32_t i) {
    if (pattern.type() != "array_pattern") return i;
    const auto before = pattern.text().substr(0, pattern.named(i).start() - pattern.start());
    return static_cast<std::size_t>(std::count(before.begin(), before.end(), ','));
}

bool binds_several(Node left, Node right) {
    return !is_null(left) && !is_null(right) && lists_several(right) &&
           left.named_count() == right.named_count() &&
           one_of(left.type(), {"expression_list", "pattern_list", "tuple_pattern", "list_pattern",
                                "array_pattern"});
}

}  // namespace

void Pass::bind_target(Node target, const Value& value) {
    switch (kind(target)) {
        case NodeKind::kName: bind(text(target), value); return;
        case NodeKind::kMember: {
            const auto [object, name] = member_parts(target);
            if (is_null(object) || is_null(name)) return;
            if (text(target).find("exports") != std::string_view::npos && says_something(value))
                common_export(target, value);
            const Value owner = eval(object, Place::kObject);
            if (owner.shape >= 0 && says_something(value)) {
                learn_attribute(owner.shape, text(name), value);
                // What a caller handed in is kept here.
                if (value.has(kAddress) && !value.always(kAddress))
                    emit(Role::kAddress, target, value, Confidence::kLikely);
                if (value.has(kTag) && !value.always(kTag) && file_.speaks)
                    emit(Role::kModel, target, value, Confidence::kLikely);
            }
            return;
        }
        case NodeKind::kIndex: {
            const Node object =
                first({child(target, "value"), child(target, "object"), child(target, "operand")});
            if (!is_null(object)) (void)eval(object, Place::kObject);
            return;
        }
        default: break;
    }
    const std::string_view type = target.type();
    if (type == "object_pattern") {
        destructure(target, value);
        return;
    }
    const auto count = target.named_count();
    const bool several = is_several(value);
    for (std::uint32_t i = 0; i < count; ++i) {
        const Node part = target.named(i);
        if (several) {
            bind_target(part, attribute_of(value.shape, "#" + std::to_string(item_of(target, i))));
            continue;
        }
        if (file_.language == Language::kGo && i > 0 && count > 1 && type == "expression_list")
            break;  // `value, err :=`
        bind_target(part, value);
    }
}

void Pass::destructure(Node pattern, const Value& value) {
    // `const { value, done } = await reader.read()`: the flag of a stream, no reply.
    const bool reader = value.has(kReply) &&
                        text(pattern).find("value") != std::string_view::npos &&
                        text(pattern).find("done") != std::string_view::npos;
    const auto count = pattern.named_count();
    for (std::uint32_t i = 0; i < count; ++i) {
        const Node part = pattern.named(i);
        Node key = part;
        Node target = part;
        if (part.type() == "pair_pattern") {
            key = child(part, "key");
            target = child(part, "value");
        }
        if (part.type() == "object_assignment_pattern") {
            key = target = child(part, "left");
            if (const Node otherwise = child(part, "right"); !is_null(otherwise))
                (void)eval(otherwise, Place::kValue);
        }
        if (is_null(key) || is_null(target)) continue;
        bind_target(target, reader ? inherit(value, kReply | kOpenAi)
                                   : member(value, text(key), key, Place::kValue, true));
    }
}

Value Pass::assign(Node node) {
    Node left = first({child(node, "left"), child(node, "pattern"), child(node, "name"),
                       child(node, "property")});
    Node right = first({child(node, "right"), child(node, "value")});
    Node type = child(node, "type");
    const auto count = node.named_count();
    if (is_null(right) && count > 1 && file_.language == Language::kCSharp) {
        right = node.named(count - 1);
        if (!is_null(left) && right == left) right = Node{};
    }
    if (is_null(type)) {
        const Node parent = node.parent();
        if (!is_null(parent)) type = child(parent, "type");
    }
    if (binds_several(left, right)) {
        for (std::uint32_t i = 0; i < left.named_count(); ++i)
            bind_target(left.named(i), eval(right.named(i), Place::kValue));
        return {};
    }
    Value value;
    if (!is_null(right)) {
        const auto right_kind = kind(right);
        const std::string_view name =
            !is_null(left) && kind(left) == NodeKind::kName ? text(left) : std::string_view{};
        if (right_kind == NodeKind::kFunction)
            value = function(right, name);
        else if (file_.language == Language::kGo && right_kind == NodeKind::kThrough)
            value = eval_first(right);
        else
            value = eval(right, Place::kValue);
    }
    if (!is_null(type)) value.merge(instance(eval(type, Place::kType), type));
    if (is_null(left)) return value;
    // `LLM_URL: str` of a settings class reads the environment by its name.
    if (in_class_body_ && kind(left) == NodeKind::kName)
        value.merge(environment(to_upper(text(left)), left));
    bind_target(left, value);
    const std::string_view how = node.type();
    if (kind(left) == NodeKind::kName && !functions_.empty() &&
        (how == "assignment_expression" || how == "assignment_statement"))
        bind_outward(text(left), value);
    if (kind(left) == NodeKind::kName && !is_null(type) && type.type() == "struct_type")
        struct_types_[std::string(text(left))] = type;
    return value;
}

Value Pass::eval_first(Node list) {
    Value value;
    const auto count = list.named_count();
    for (std::uint32_t i = 0; i < count; ++i) {
        Value one = eval(list.named(i), Place::kValue);
        if (i == 0) value = std::move(one);
    }
    return value;
}

}  // namespace segue::audit
