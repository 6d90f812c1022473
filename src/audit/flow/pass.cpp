#include "audit/flow/pass.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace segue::audit {

using namespace trait;

bool is_env_like(std::string_view name) {
    return name.size() >= 4 && name.find('_') != std::string_view::npos &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return std::isupper(static_cast<unsigned char>(c)) != 0 ||
                      std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '_';
           });
}

bool lists_several(Node node) {
    return node.named_count() > 1 && one_of(node.type(), {"expression_list", "tuple", "array"});
}

std::string_view unquoted(std::string_view text) {
    while (!text.empty() && std::isalpha(static_cast<unsigned char>(text.front())) != 0 &&
           text.find_first_of("\"'") < 3)
        text.remove_prefix(1);
    while (!text.empty() && (text.front() == '@' || text.front() == '$'))
        text.remove_prefix(1);
    while (text.size() >= 2 &&
           (text.front() == '"' || text.front() == '\'' || text.front() == '`') &&
           text.back() == text.front())
        text = text.substr(1, text.size() - 2);
    return text;
}

std::string Pass::id(std::string_view what) const {
    return file_.parsed->source.path() + ":" + std::string(what);
}

const Value* Pass::lookup(std::string_view name) const {
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
        const auto names = file_.scopes.find(*scope);
        if (names == file_.scopes.end()) continue;
        const auto found = names->second.find(name);
        if (found != names->second.end()) return &found->second;
    }
    return nullptr;
}

const Names& Pass::attributes(int shape) const {
    const auto index = static_cast<std::size_t>(shape);
    file_.read.insert(cell(CellKind::kShape, index));
    return world_.shapes[index];
}

const Names* Pass::module_names(std::size_t file) const {
    file_.read.insert(cell(CellKind::kFile, file));
    const auto& scopes = world_.files[file].scopes;
    const auto found = scopes.find(0);
    return found == scopes.end() ? nullptr : &found->second;
}

const Function& Pass::function_at(int function) const {
    const auto index = static_cast<std::size_t>(function);
    file_.read.insert(cell(CellKind::kFunction, index));
    return world_.functions[index];
}

std::optional<std::size_t> Pass::resolve(std::string_view module) const {
    const auto known = file_.imports.find(module);
    if (known != file_.imports.end()) return known->second;
    return file_.imports.emplace(module, world_.resolve(module, index_)).first->second;
}

void Pass::learn_name(std::size_t file, std::uint32_t scope, std::string_view name,
                      const Value& value) {
    if (world_.files[file].scopes[scope][std::string(name)].merge(value))
        world_.note_change(cell(CellKind::kFile, file));
}

void Pass::learn_attribute(int shape, std::string_view name, const Value& value) {
    const auto index = static_cast<std::size_t>(shape);
    if (world_.shapes[index][std::string(name)].merge(value))
        world_.note_change(cell(CellKind::kShape, index));
}

void Pass::learn_attributes(int shape, const Names& names) {
    for (const auto& [name, value] : names)
        learn_attribute(shape, name, value);
}

void Pass::learn_result(int function, const Value& value) {
    const auto index = static_cast<std::size_t>(function);
    if (world_.functions[index].returns.merge(value))
        world_.note_change(cell(CellKind::kFunction, index));
}

void Pass::learn_choice(int function) {
    const auto index = static_cast<std::size_t>(function);
    if (!std::exchange(world_.functions[index].chooses, true))
        world_.note_change(cell(CellKind::kFunction, index));
}

void Pass::learn_parameters(int function, std::vector<std::string> names) {
    const auto index = static_cast<std::size_t>(function);
    if (world_.functions[index].parameters == names) return;
    world_.functions[index].parameters = std::move(names);
    world_.note_change(cell(CellKind::kFunction, index));
}

int Pass::go_type(std::string_view name) const {
    file_.read.insert(cell(CellKind::kGoTypes));
    return world_.go_type(name);
}

Value Pass::result_of(int function) const {
    const auto& known = function_at(function);
    Value result = known.returns;
    // `switch (provider) { case 'ollama': return env.OLLAMA_MODEL; case 'openai': … }`
    if (known.chooses) result.traits &= ~kSetting;
    return result;
}

void Pass::bind(std::string_view name, const Value& value) {
    if (name.empty() || name == "_") return;
    if (!says_something(value)) {
        // It still hides the name of the module.
        if (!in_class_body_ && scopes_.back() != 0)
            file_.scopes[scopes_.back()].try_emplace(std::string(name));
        return;
    }
    if (in_class_body_ && !classes_.empty()) {
        learn_attribute(classes_.back(), name, value);
        // Class attributes are also seen by name inside the body.
    }
    const bool global = globals_.contains({scopes_.back(), std::string(name)});
    learn_name(index_, global ? 0 : scopes_.back(), name, value);
}

void Pass::bind_outward(std::string_view name, const Value& value) {
    if (name.empty() || !says_something(value)) return;
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend() && *scope != 0; ++scope)
        learn_name(index_, *scope, name, value);
}

Value Pass::attribute_of(int shape, std::string_view name) const {
    const auto& names = attributes(shape);
    const auto found = names.find(name);
    return found == names.end() ? Value{} : found->second;
}

bool Pass::is_several(const Value& value) const {
    return value.shape >= 0 && attributes(value.shape).contains("#0");
}

Value Pass::with(std::uint32_t traits, Node node, std::string_view what) const {
    Value value;
    value.traits = traits;
    value.from = {file_.parsed->source.path(), line_of(node), std::string(what)};
    return value;
}

std::uint32_t Pass::place(std::uint32_t offset) const {
    if (file_.origin.empty()) return offset;
    return offset < file_.origin.size() ? file_.origin[offset]
           : file_.origin.empty()       ? 0
                                        : file_.origin.back();
}

std::uint32_t Pass::line_of(Node node) const {
    return file_.parsed->source.line_of(place(node.start())) + 1;
}

void Pass::emit(Role role, std::uint32_t begin, std::uint32_t end, const Value& value,
                Confidence confidence) {
    if (!emit_ || begin >= end) return;
    begin = place(begin);
    end = std::max(begin + 1, place(end - 1) + 1);
    if (!file_.emitted.emplace(begin, static_cast<int>(role)).second) return;
    Token token;
    token.type = TokenType::kFlow;
    token.role = role;
    token.begin = begin;
    token.end = end;
    token.segment = segment_at(file_.parsed->segments, begin);
    token.confidence = confidence;
    if (!value.from.path.empty() && !(value.from.path == file_.parsed->source.path() &&
                                      value.from.line == file_.parsed->source.line_of(begin) + 1))
        token.why.push_back(value.from);
    file_.parsed->tokens.push_back(std::move(token));
}

void Pass::emit(Role role, Node node, const Value& value, Confidence confidence) {
    emit(role, node.start(), node.end(), value, confidence);
}

void Pass::emit_use(Node node, const Value& value, Place where) {
    if (where == Place::kObject || where == Place::kCallee) return;
    if (asking_ || (muted_ && value.has(kAddress | kTag))) return;
    if (value.always(kAddress)) emit(Role::kAddress, node, value, Confidence::kLikely);
    if (value.always(kTag)) emit(Role::kModel, node, value, Confidence::kLikely);
    if (value.always(kMaker | kMethod | kReplyType) ||
        (value.always(kClient) && !value.has(kConnector)))
        emit(Role::kClient, node, value);
}

void Pass::visit_children(Node node) {
    const Node condition = child(node, "condition");
    const bool assertion = node.type() == "assert_statement";
    for (std::uint32_t i = 0; i < node.named_count(); ++i) {
        const Node part = node.named(i);
        const Asking asking(*this, assertion || (!is_null(condition) && part == condition));
        visit(part);
    }
}

void Pass::visit(Node node) {
    if (is_null(node) || depth_ > kMaxDepth) return;
    ++depth_;
    switch (kind(node)) {
        case NodeKind::kImport: import(node); break;
        case NodeKind::kFunction: (void)function(node, {}); break;
        case NodeKind::kClass: class_body(node); break;
        case NodeKind::kFor: loop(node); break;
        case NodeKind::kReturn: returns(node); break;
        case NodeKind::kComment:
        case NodeKind::kError: break;
        case NodeKind::kName:
        case NodeKind::kString:
        case NodeKind::kNumber:
        case NodeKind::kMember:
        case NodeKind::kIndex:
        case NodeKind::kCall:
        case NodeKind::kNew:
        case NodeKind::kThrough:
        case NodeKind::kMix:
        case NodeKind::kObject:
        case NodeKind::kPair:
        case NodeKind::kKeyword:
        case NodeKind::kList:
        case NodeKind::kAssign:
        case NodeKind::kWith:
        case NodeKind::kParameter:
        case NodeKind::kSelf: (void)eval(node, Place::kValue); break;
        case NodeKind::kOther:
            if (node.type() == "export_statement") reexport(node);
            if (node.type() == "global_statement") {
                for (std::uint32_t i = 0; i < node.named_count(); ++i)
                    globals_.emplace(scopes_.back(), text(node.named(i)));
                break;
            }
            if (node.type() == "type_alias_declaration") {
                type_alias(node);
                break;
            }
            // Go and Rust.
            if (const Node name = child(node, "name"); !is_null(name))
                if (const Node body = first({child(node, "type"), child(node, "body")});
                    !is_null(body))
                    declared_fields(body, text(name));
            visit_children(node);
            break;
    }
    --depth_;
}

Value Pass::return_several(Node list) {
    const int shape = several_of(functions_.back());
    Value all;
    for (std::uint32_t i = 0; i < list.named_count(); ++i) {
        const Value one = eval(list.named(i), Place::kValue);
        learn_attribute(shape, "#" + std::to_string(i), one);
        all.merge(one);
    }
    // What is read item by item may be a list as well.
    if (list.type() != "array" || all.shape < 0) all.shape = shape;
    return all;
}

void Pass::returns(Node node) {
    Value all;
    const auto count = node.named_count();
    bool another = false;
    for (std::uint32_t i = 0; i < count; ++i) {
        const Node part = node.named(i);
        const bool several = !functions_.empty() && lists_several(part);
        Value value = several ? return_several(part) : eval(part, Place::kValue);
        another = another || is_another_setting(part, value);
        if (several && part.type() != "array") {  // a setting is one of them only
            value.traits &= ~kSetting;
            value.given &= ~kSetting;
        }
        if (!several && !functions_.empty() && is_several(value)) {  // it hands on what it got
            const int shape = several_of(functions_.back());
            learn_attributes(shape, Names(attributes(value.shape)));
            value.shape = shape;
        }
        all.merge(value);
    }
    if (functions_.empty()) return;
    if (another) learn_choice(functions_.back());
    learn_result(functions_.back(), all);
}

void Pass::loop(Node node) {
    const Node right = first({child(node, "right"), child(node, "value"), child(node, "iterable")});
    Node left = child(node, "left");
    if (is_null(left)) left = child(node, "name");
    if (is_null(left)) left = child(node, "pattern");
    if (!is_null(right) && !is_null(left)) {
        const Value items = eval(right, Place::kValue);
        Value one = items;
        one.traits &= kReply | kTag | kAddress | kClient | kConnector;
        // `for _, model := range list`: the last name gets the item.
        if (file_.language == Language::kGo && left.named_count() > 1)
            left = left.named(left.named_count() - 1);
        bind_target(left, one);
        const Node body = child(node, "body");
        if (!is_null(body)) visit(body);
        return;
    }
    visit_children(node);
}

void pass(World& world, std::size_t file, bool emit) {
    Pass(world, file, emit).run();
}

}  // namespace segue::audit
