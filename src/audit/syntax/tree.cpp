#include "audit/syntax/tree.hpp"

#include <array>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

extern "C" {
const TSLanguage* tree_sitter_bash(void);
const TSLanguage* tree_sitter_c_sharp(void);
const TSLanguage* tree_sitter_go(void);
const TSLanguage* tree_sitter_html(void);
const TSLanguage* tree_sitter_java(void);
const TSLanguage* tree_sitter_javascript(void);
const TSLanguage* tree_sitter_json(void);
const TSLanguage* tree_sitter_powershell(void);
const TSLanguage* tree_sitter_python(void);
const TSLanguage* tree_sitter_rust(void);
const TSLanguage* tree_sitter_toml(void);
const TSLanguage* tree_sitter_tsx(void);
const TSLanguage* tree_sitter_typescript(void);
const TSLanguage* tree_sitter_yaml(void);
}

namespace segue::audit {
namespace {

using enum NodeKind;

struct Named {
    std::string_view type;
    NodeKind kind;
};

/// One table over all grammars: where two use one name, they mean the same by it.
constexpr Named kNames[] = {{"identifier", kName},
                            {"type_identifier", kName},
                            {"property_identifier", kName},
                            {"field_identifier", kName},
                            {"package_identifier", kName},
                            {"shorthand_property_identifier", kName},
                            {"shorthand_property_identifier_pattern", kName},
                            {"shorthand_field_identifier", kName},
                            {"private_property_identifier", kName},
                            {"variable_name", kName},
                            {"this", kSelf},
                            {"this_expression", kSelf},
                            {"self", kSelf},
                            {"string", kString},
                            {"string_literal", kString},
                            {"interpreted_string_literal", kString},
                            {"raw_string_literal", kString},
                            {"template_string", kString},
                            {"interpolated_string_expression", kString},
                            {"verbatim_string_literal", kString},
                            {"concatenated_string", kMix},
                            {"text_block", kString},
                            {"integer", kNumber},
                            {"number", kNumber},
                            {"int_literal", kNumber},
                            {"integer_literal", kNumber},
                            {"decimal_integer_literal", kNumber},
                            {"attribute", kMember},
                            {"member_expression", kMember},
                            {"selector_expression", kMember},
                            {"field_access", kMember},
                            {"member_access_expression", kMember},
                            {"field_expression", kMember},
                            {"scoped_identifier", kMember},
                            {"qualified_name", kMember},
                            {"qualified_type", kMember},
                            {"scoped_type_identifier", kMember},
                            {"nested_type_identifier", kMember},
                            {"conditional_access_expression", kThrough},
                            {"subscript", kIndex},
                            {"subscript_expression", kIndex},
                            {"index_expression", kIndex},
                            {"element_access_expression", kIndex},
                            {"array_access", kIndex},
                            {"call", kCall},
                            {"call_expression", kCall},
                            {"method_invocation", kCall},
                            {"invocation_expression", kCall},
                            {"new_expression", kNew},
                            {"object_creation_expression", kNew},
                            {"composite_literal", kNew},
                            {"struct_expression", kNew},
                            {"await_expression", kThrough},
                            {"await", kThrough},
                            {"parenthesized_expression", kThrough},
                            {"try_expression", kThrough},
                            {"non_null_expression", kThrough},
                            {"as_expression", kThrough},
                            {"satisfies_expression", kThrough},
                            {"reference_expression", kThrough},
                            {"unary_expression", kThrough},
                            {"unary_operator", kThrough},
                            {"spread_element", kThrough},
                            {"list_splat", kThrough},
                            {"dictionary_splat", kThrough},
                            {"argument", kThrough},
                            {"expression_list", kThrough},
                            {"literal_element", kThrough},
                            {"expression_statement", kThrough},
                            {"interpolation", kThrough},
                            {"template_substitution", kThrough},
                            {"type", kThrough},
                            {"type_annotation", kThrough},
                            {"pointer_type", kThrough},
                            {"cast_expression", kThrough},
                            {"equals_value_clause", kThrough},
                            {"type_conversion_expression", kThrough},
                            {"optional_chain", kOther},
                            {"generic_type", kThrough},
                            {"reference_type", kThrough},
                            {"nullable_type", kThrough},
                            {"yield", kReturn},
                            {"binary_operator", kMix},
                            {"binary_expression", kMix},
                            {"boolean_operator", kMix},
                            {"conditional_expression", kMix},
                            {"ternary_expression", kMix},
                            {"union_type", kMix},
                            {"dictionary", kObject},
                            {"object", kObject},
                            {"literal_value", kObject},
                            {"initializer_expression", kObject},
                            {"field_initializer_list", kObject},
                            {"pair", kPair},
                            {"keyed_element", kPair},
                            {"field_initializer", kPair},
                            {"keyword_argument", kKeyword},
                            {"list", kList},
                            {"tuple", kList},
                            {"array", kList},
                            {"assignment", kAssign},
                            {"assignment_expression", kAssign},
                            {"assignment_statement", kAssign},
                            {"short_var_declaration", kAssign},
                            {"variable_declarator", kAssign},
                            {"let_declaration", kAssign},
                            {"named_expression", kAssign},
                            {"augmented_assignment", kAssign},
                            {"augmented_assignment_expression", kAssign},
                            {"public_field_definition", kAssign},
                            {"field_definition", kAssign},
                            {"var_spec", kAssign},
                            {"const_spec", kAssign},
                            {"const_item", kAssign},
                            {"static_item", kAssign},
                            {"property_declaration", kAssign},
                            {"function_definition", kFunction},
                            {"function_declaration", kFunction},
                            {"method_definition", kFunction},
                            {"arrow_function", kFunction},
                            {"function_expression", kFunction},
                            {"function_item", kFunction},
                            {"method_declaration", kFunction},
                            {"func_literal", kFunction},
                            {"lambda", kFunction},
                            {"constructor_declaration", kFunction},
                            {"generator_function_declaration", kFunction},
                            {"lambda_expression", kFunction},
                            {"closure_expression", kFunction},
                            {"local_function_statement", kFunction},
                            {"class_definition", kClass},
                            {"class_declaration", kClass},
                            {"class", kClass},
                            {"impl_item", kClass},
                            {"abstract_class_declaration", kClass},
                            {"record_declaration", kClass},
                            {"struct_declaration", kClass},
                            {"interface_declaration", kClass},
                            {"property_signature", kAssign},
                            {"return_statement", kReturn},
                            {"for_statement", kFor},
                            {"for_in_statement", kFor},
                            {"range_clause", kFor},
                            {"enhanced_for_statement", kFor},
                            {"foreach_statement", kFor},
                            {"for_expression", kFor},
                            {"for_in_clause", kFor},
                            {"as_pattern", kWith},
                            {"import_statement", kImport},
                            {"import_from_statement", kImport},
                            {"import_spec", kImport},
                            {"import_declaration", kImport},
                            {"using_directive", kImport},
                            {"use_declaration", kImport},
                            {"typed_default_parameter", kParameter},
                            {"default_parameter", kParameter},
                            {"typed_parameter", kParameter},
                            {"required_parameter", kParameter},
                            {"optional_parameter", kParameter},
                            {"parameter_declaration", kParameter},
                            {"formal_parameter", kParameter},
                            {"parameter", kParameter},
                            {"comment", kComment},
                            {"line_comment", kComment},
                            {"block_comment", kComment},
                            {"ERROR", kError}};

struct Grammar {
    Language language;
    std::string_view name;
    const TSLanguage* (*make)();
};

constexpr Grammar kGrammars[] = {{Language::kPython, "python", tree_sitter_python},
                                 {Language::kJavaScript, "javascript", tree_sitter_javascript},
                                 {Language::kTypeScript, "typescript", tree_sitter_typescript},
                                 {Language::kTsx, "tsx", tree_sitter_tsx},
                                 {Language::kGo, "go", tree_sitter_go},
                                 {Language::kJava, "java", tree_sitter_java},
                                 {Language::kCSharp, "c-sharp", tree_sitter_c_sharp},
                                 {Language::kRust, "rust", tree_sitter_rust},
                                 {Language::kShell, "bash", tree_sitter_bash},
                                 {Language::kPowerShell, "powershell", tree_sitter_powershell},
                                 {Language::kYaml, "yaml", tree_sitter_yaml},
                                 {Language::kJson, "json", tree_sitter_json},
                                 {Language::kToml, "toml", tree_sitter_toml},
                                 {Language::kHtml, "html", tree_sitter_html}};

/// Symbol -> kind, one table a grammar, made once.
const std::vector<NodeKind>& kinds_of(const TSLanguage* language) {
    static std::mutex guard;
    static std::map<const TSLanguage*, std::vector<NodeKind>> tables;
    const std::scoped_lock lock(guard);
    auto& table = tables[language];
    if (table.empty()) {
        table.assign(ts_language_symbol_count(language), kOther);
        for (std::uint32_t symbol = 0; symbol < table.size(); ++symbol) {
            if (ts_language_symbol_type(language, static_cast<TSSymbol>(symbol)) ==
                TSSymbolTypeAnonymous)
                continue;
            const std::string_view name =
                ts_language_symbol_name(language, static_cast<TSSymbol>(symbol));
            for (const auto& known : kNames)
                if (known.type == name) table[symbol] = known.kind;
        }
    }
    return table;
}

const Grammar* grammar_of(Language language) {
    for (const auto& grammar : kGrammars)
        if (grammar.language == language) return &grammar;
    return nullptr;
}

}  // namespace

Tree::Tree(TSTree* tree, Language language, std::string_view text)
    : tree_(tree), language_(language), text_(text), kinds_(&kinds_of(ts_tree_language(tree))) {
}

bool has_grammar(Language language) {
    return grammar_of(language) != nullptr;
}

std::optional<std::string> grammar_mismatch() {
    for (const auto& grammar : kGrammars) {
        const auto version = ts_language_abi_version(grammar.make());
        if (version < TREE_SITTER_MIN_COMPATIBLE_LANGUAGE_VERSION ||
            version > TREE_SITTER_LANGUAGE_VERSION)
            return "the grammar of " + std::string(grammar.name) + " has ABI " +
                   std::to_string(version) + ", the runtime reads " +
                   std::to_string(TREE_SITTER_MIN_COMPATIBLE_LANGUAGE_VERSION) + " to " +
                   std::to_string(TREE_SITTER_LANGUAGE_VERSION);
    }
    return std::nullopt;
}

std::optional<Tree> Tree::parse(Language language, std::string_view text) {
    const auto* const grammar = grammar_of(language);
    if (grammar == nullptr) return std::nullopt;
    struct FreeParser {
        void operator()(TSParser* parser) const { ts_parser_delete(parser); }
    };
    const std::unique_ptr<TSParser, FreeParser> parser(ts_parser_new());
    if (!ts_parser_set_language(parser.get(), grammar->make())) return std::nullopt;
    TSTree* const tree = ts_parser_parse_string(parser.get(), nullptr, text.data(),
                                                static_cast<std::uint32_t>(text.size()));
    if (tree == nullptr) return std::nullopt;
    return Tree(tree, language, text);
}

NodeKind Tree::kind(TSNode node) const {
    const auto symbol = ts_node_symbol(node);
    const auto& table = *kinds_;
    return symbol == static_cast<TSSymbol>(-1) ? kError
           : symbol < table.size()             ? table[symbol]
                                               : kOther;
}

std::string_view Tree::text(TSNode node) const {
    const auto begin = ts_node_start_byte(node);
    const auto end = ts_node_end_byte(node);
    return text_.substr(begin, end - begin);
}

namespace {

struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const {
        return std::hash<std::string_view>()(name);
    }
};

/// By its number: the runtime finds a name by comparing it with all of the grammar's, and the flow
/// asks for millions.
TSFieldId field_number(const TSLanguage* language, std::string_view name) {
    using Numbers = std::unordered_map<std::string, TSFieldId, NameHash, std::equal_to<>>;
    thread_local std::unordered_map<const TSLanguage*, Numbers> known;
    auto& numbers = known[language];
    if (const auto found = numbers.find(name); found != numbers.end()) return found->second;
    const auto number = ts_language_field_id_for_name(language, name.data(),
                                                      static_cast<std::uint32_t>(name.size()));
    numbers.emplace(name, number);
    return number;
}

}  // namespace

TSNode child(TSNode node, std::string_view field) {
    return ts_node_child_by_field_id(node, field_number(ts_tree_language(node.tree), field));
}

}  // namespace segue::audit
