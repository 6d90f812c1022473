#include "llm/gotemplate/gotemplate.hpp"

#include <gtest/gtest.h>

namespace segue::llm {
namespace {

std::string render(std::string_view source, const TemplateData& data) {
    auto result = render_go_template(source, data);
    return result ? *result : "refused: " + result.error().message;
}
const std::string kRefused = "refused: custom templates are not supported by this engine";

TemplateData hello() {
    TemplateData data;
    data.system = "Be brief.";
    data.prompt = "Hi";
    return data;
}

TEST(GoTemplate, RendersChatMlAndCutsBehindTheResponse) {
    const std::string source =
        "{{ if .System }}<|im_start|>system\n{{ .System }}<|im_end|>\n{{ end }}{{ if .Prompt "
        "}}<|im_start|>user\n{{ .Prompt }}<|im_end|>\n{{ end }}<|im_start|>assistant\n{{ .Response "
        "}}<|im_end|>\n";
    EXPECT_EQ(render(source, hello()),
              "<|im_start|>system\nBe "
              "brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
    TemplateData bare;
    bare.prompt = "x";
    EXPECT_EQ(render(source, bare), "<|im_start|>user\nx<|im_end|>\n<|im_start|>assistant\n");
    EXPECT_EQ(
        render("{{ if .Prompt }}[{{ .Prompt }}]{{ .Response }} never{{ end }} never", hello()),
        "[Hi]");
}

TEST(GoTemplate, TrimsWhereAsked) {
    EXPECT_EQ(render("a  \n {{- .Prompt -}} \n\t b {{ .Prompt }} c", hello()), "aHib Hi c");
    EXPECT_EQ(render("a {{- /* note }} */ -}} b", hello()), "ab");
    EXPECT_EQ(render("{{/* note */}}x", hello()), "x");
}

TEST(GoTemplate, ChoosesBranches) {
    const std::string source =
        "{{ if and .System (not .Suffix) }}A{{ else if eq .Prompt \"x\" `Hi` }}B{{ else }}C{{ end "
        "}}";
    EXPECT_EQ(render(source, hello()), "A");
    TemplateData data = hello();
    data.system.clear();
    EXPECT_EQ(render(source, data), "B");
    data.prompt = "other";
    EXPECT_EQ(render(source, data), "C");
    EXPECT_EQ(render("{{ with .Prompt }}<{{ . }}>{{ else }}none{{ end }}", hello()), "<Hi>");
    EXPECT_EQ(render("{{ if or .Suffix .Think }}y{{ else }}n{{ end }}{{ len .Prompt }}{{ ne 1 2 }}",
                     hello()),
              "n2true");
    EXPECT_EQ(
        render("{{ if .Suffix }}a{{ else if .Think }}b{{ else if .Prompt }}c{{ end }}d", hello()),
        "cd");
}

TEST(GoTemplate, GoesOverMessages) {  // the pattern of qwen's templates
    TemplateData data;
    data.messages = {{"system", "S"}, {"user", "U"}, {"assistant", "A"}, {"user", "V"}};
    const std::string source =
        "{{- range $i, $_ := .Messages }}\n{{- $last := eq (len (slice $.Messages $i)) 1 -}}\n"
        "<{{ .Role }}>{{ .Content }}\n{{ if $last }}<assistant>\n{{ end }}\n{{- end }}";
    EXPECT_EQ(render(source, data), "<system>S\n<user>U\n<assistant>A\n<user>V\n<assistant>\n");
    EXPECT_EQ(render("{{ range $m := .Messages }}{{ $m.Role }}{{ $.System }},{{ end }}", data),
              "system,user,assistant,user,");
    EXPECT_EQ(render("{{ range .Messages }}x{{ else }}empty{{ end }}", hello()), "empty");
    EXPECT_EQ(render("{{ $x := 1 }}{{ range .Messages }}{{ $x = 2 }}{{ end }}{{ $x }}", data), "2");
    EXPECT_EQ(render("{{ range .Messages }}{{ .Role }}{{ end }}{{ .Response }}end", data),
              "systemuserassistantuserend");
}

TEST(GoTemplate, KeepsTheRestForASuffix) {
    TemplateData data;
    data.prompt = "a";
    data.suffix = "b";
    EXPECT_EQ(render("<PRE>{{ .Prompt }}<SUF>{{ .Suffix }}<MID>{{ .Response }}!", data),
              "<PRE>a<SUF>b<MID>!");
}

TEST(GoTemplate, RefusesWhatItDoesNotKnow) {  // C32
    for (const std::string_view source : {"{{ json .Messages }}",
                                          "{{ .Nope }}",
                                          "{{ .Prompt | len }}",
                                          "{{ if .Prompt }}x",
                                          "{{ end }}",
                                          "{{ .Prompt",
                                          "{{ $x }}",
                                          "{{ template \"a\" }}",
                                          "{{ eq .Prompt 1 }}",
                                          "{{ .Messages }}",
                                          "{{ else }}",
                                          "{{}}",
                                          "{{ \"a }}",
                                          "{{ range .Prompt }}{{ end }}",
                                          "{{ .Prompt.Role }}",
                                          "{{ break }}",
                                          "{{ slice .Messages 9 }}",
                                          "{{ len }}",
                                          "{{ (eq 1 1 }}",
                                          "{{ range $a, $b, $c := .Messages }}{{ end }}",
                                          "{{ 1.5 }}",
                                          "{{ if .Prompt }}{{ else if }}{{ end }}"}) {
        EXPECT_EQ(render(source, hello()), kRefused) << source;
    }
}

TEST(GoTemplate, EndsWhateverTheClientWrote) {
    std::string deep;
    for (int i = 0; i < 1000; ++i)
        deep += "{{ if .Prompt }}";
    EXPECT_EQ(render(deep, hello()), kRefused);
    EXPECT_EQ(render("{{ " + std::string(10'000, '(') + " }}", hello()), kRefused);
    TemplateData many;
    many.messages.resize(200);
    std::string loops;
    for (int i = 0; i < 8; ++i)
        loops += "{{ range $.Messages }}";
    loops += "x";
    for (int i = 0; i < 8; ++i)
        loops += "{{ end }}";
    EXPECT_EQ(render(loops, many), kRefused);
}

}  // namespace
}  // namespace segue::llm
