#include "llm/model_in_text.hpp"

#include <gtest/gtest.h>

namespace segue::llm {
namespace {

TEST(ModelInText, OnlyAsAWordOfItsOwn) {
    EXPECT_EQ(with_client_model("The model `x` is x.", "x", "mine"), "The model `mine` is mine.");
    EXPECT_EQ(with_client_model("xx x-y a/x x:1 x", "x", "m"), "xx x-y a/x x:1 m");
    EXPECT_EQ(with_client_model("Valid: qwen2, not qwen2.5. Use qwen2.", "qwen2", "m"),
              "Valid: m, not qwen2.5. Use m.");
    EXPECT_EQ(with_client_model("a x", "", "m"), "a x");
    EXPECT_EQ(with_client_model("a x", "x", ""), "a x");
    EXPECT_EQ(with_client_model("", "x", "m"), "");
}

}  // namespace
}  // namespace segue::llm
