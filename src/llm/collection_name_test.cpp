#include "llm/collection_name.hpp"

#include <gtest/gtest.h>

namespace segue::llm {
namespace {

TEST(CollectionName, StandsBehindTheLastAt) {
    const auto named = split_collection(" llama3.1:8b@Handbook:latest ");
    ASSERT_TRUE(named);
    EXPECT_EQ(named->model, "llama3.1:8b");
    EXPECT_EQ(named->collection, "handbook");
    EXPECT_EQ(split_collection("a@b@c")->model, "a@b");
    for (const auto* name : {"llama3.1:8b", "@handbook", "m@", "m@:latest", ""})
        EXPECT_FALSE(split_collection(name)) << name;
}

}  // namespace
}  // namespace segue::llm
