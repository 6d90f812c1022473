#include "llm/ollama/front/go_template.hpp"

#include <gtest/gtest.h>

namespace segue::llm {
namespace {

std::string rendered(std::string_view text) {
    return render_go_template(text,
                              {{"Prompt", "P"}, {"System", ""}, {"Suffix", "X"}, {"Response", ""}})
        .value_or("(outside)");
}

TEST(GoTemplate, TheSubset) {  // C32, recording generate_template
    EXPECT_EQ(rendered("<|im_start|>user\nWhat is the capital of {{ .Prompt }}?<|im_end|>\n"),
              "<|im_start|>user\nWhat is the capital of P?<|im_end|>\n");
    EXPECT_EQ(rendered("{{.Prompt}}{{ if .System }}s{{ end }}{{ if .Suffix }}[{{ .Suffix }}]{{ "
                       "else }}none{{ end }}"),
              "P[X]");
    EXPECT_EQ(rendered("{{ if .System }}a{{ else if .Prompt }}b{{ else }}c{{ end }}"), "b");
    EXPECT_EQ(rendered("{{ if .System }}{{ if .Prompt }}a{{ else }}b{{ end }}c{{ end }}d"), "d");
    EXPECT_EQ(rendered("a \n{{- .Prompt -}}\n b {{- /* note */ -}} c"), "aPbc");
    EXPECT_EQ(rendered("{{ .Prompt }}{{ .Response }}<|im_end|>"), "P");
    EXPECT_EQ(rendered(""), "");
}

TEST(GoTemplate, OutsideTheSubset) {
    for (const auto* text :
         {"{{ range .Messages }}{{ end }}", "{{ .Unknown }}", "{{ json .Tools }}", "{{ .Prompt",
          "{{ end }}", "{{ if .Prompt }}", "{{ else }}", "{{ $x := 1 }}",
          "{{ if .Prompt }}{{ else }}{{ else }}{{ end }}", "{{ if and .Prompt .System }}x{{ end }}",
          "{{}}"})
        EXPECT_EQ(rendered(text), "(outside)") << text;
}

}  // namespace
}  // namespace segue::llm
