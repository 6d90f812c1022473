#include "audit/syntax/nodes.hpp"

#include <gtest/gtest.h>

#include <string>

namespace segue::audit {
namespace {

/// Each node of the library's tree beside its copy, from the root down.
void expect_same(TSNode theirs, Node ours) {
    ASSERT_FALSE(ours.is_null());
    EXPECT_EQ(ours.type(), ts_node_type(theirs));
    EXPECT_EQ(ours.start(), ts_node_start_byte(theirs));
    EXPECT_EQ(ours.end(), ts_node_end_byte(theirs));
    ASSERT_EQ(ours.named_count(), ts_node_named_child_count(theirs)) << ours.text();
    const auto field = [&](std::string_view name, Field known) {
        const TSNode node = ts_node_child_by_field_name(theirs, name.data(),
                                                        static_cast<std::uint32_t>(name.size()));
        const Node copy = ours.child(known);
        ASSERT_EQ(copy.is_null(), ts_node_is_null(node)) << name << " of " << ours.text();
        if (copy.is_null()) return;
        EXPECT_EQ(copy.start(), ts_node_start_byte(node)) << name << " of " << ours.text();
        EXPECT_EQ(copy.end(), ts_node_end_byte(node)) << name << " of " << ours.text();
    };
    field("name", "name");
    field("body", "body");
    field("left", "left");
    field("right", "right");
    field("value", "value");
    field("object", "object");
    field("property", "property");
    field("operator", "operator");
    field("function", "function");
    field("arguments", "arguments");
    field("condition", "condition");
    field("parameters", "parameters");
    for (std::uint32_t i = 0; i < ours.named_count(); ++i) {
        EXPECT_EQ(ours.named(i).parent(), ours);
        expect_same(ts_node_named_child(theirs, i), ours.named(i));
    }
    EXPECT_TRUE(ours.named(ours.named_count()).is_null());
}

TEST(Nodes, AreTheTreesOwn) {
    const std::pair<Language, std::string> texts[] = {
        {Language::kPython,
         "import a\nclass B(C):\n    def d(self, e=1, *f):\n        return [x "
         "for x in self.g['h'](e, i=f'{j}') if not x]\n"},
        {Language::kJavaScript,
         "const {a, b: [c]} = await d?.e(`f${g}`, ...h)\nexport default "
         "class extends K { #l = m ? n : o }\n"},
        {Language::kTsx, "type A = { b?: C }\nconst d = (e: F): G => <H i={e}>text {j}</H>\n"},
        {Language::kGo,
         "package a\nfunc (b *C) d(e, f int) (g G, err error) { g, err = h(e); "
         "return }\n"},
        {Language::kJava, "class A<B> { int c = d(e -> e.f()); }\n"},
        {Language::kRust, "fn a(b: &str) -> Result<C, D> { let e = b.f()?; Ok(G { h: e }) }\n"},
        {Language::kCSharp, "class A { string B => c?.D($\"{e}\") ?? f[0]; }\n"},
        {Language::kPython, "def broken(:\n  x = = 1\n"},
    };
    for (const auto& [language, text] : texts) {
        const auto tree = Tree::parse(language, text);
        ASSERT_TRUE(tree);
        const Nodes nodes(*tree, text);
        EXPECT_EQ(nodes.has_error(), tree->has_error());
        EXPECT_TRUE(nodes.root().parent().is_null());
        expect_same(tree->root(), nodes.root());
    }
}

TEST(Nodes, ANullNodeHasNothing) {
    const Node none;
    EXPECT_TRUE(none.is_null());
    EXPECT_EQ(none.type(), "");
    EXPECT_EQ(none.named_count(), 0U);
    EXPECT_TRUE(none.child("name").is_null());
    EXPECT_TRUE(none.parent().is_null());
}

}  // namespace
}  // namespace segue::audit
