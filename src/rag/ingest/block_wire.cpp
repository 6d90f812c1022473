#include "rag/ingest/block_wire.hpp"

#include <algorithm>

#include "base/json.hpp"

namespace segue::rag {
namespace {

int bounded(json::Value value, int most) {
    const auto number = value.integer().value_or(0);
    return static_cast<int>(std::clamp<std::int64_t>(number, 0, most));
}

}  // namespace

std::string encode_parsed(const Result<Parsed>& parsed) {
    return json::object([&](json::Writer& w) {
        if (!parsed) {
            w.member("fault", static_cast<int>(parsed.error().fault));
            w.member("error", parsed.error().detail);
            return;
        }
        w.member("title", parsed->title).member("pages", parsed->pages);
        w.key("blocks").begin_array();
        for (const auto& block : parsed->blocks) {
            w.begin_array();
            w.integer(static_cast<int>(block.kind)).integer(block.level);
            w.integer(block.place.page).integer(block.place.first_line);
            w.integer(block.place.last_line).string(block.text);
            w.end_array();
        }
        w.end_array();
    });
}

Result<Parsed> decode_parsed(std::string_view text) {
    json::Parser parser;
    const auto root = parser.parse(text);
    if (!root || !root->is_object())
        return fail(Fault::kInvalid,
                    "the parser's answer cannot be understood; the file is broken");
    if (const auto error = (*root)["error"]; error.is_string()) {
        const bool large = (*root)["fault"].integer() == static_cast<int>(Fault::kTooLarge);
        return fail(large ? Fault::kTooLarge : Fault::kInvalid,
                    clean_text(error.string().substr(0, 1000)));
    }
    constexpr int kMost = 100'000'000;
    Parsed parsed;
    parsed.title = clean_text((*root)["title"].string());
    parsed.pages = bounded((*root)["pages"], kMost);
    for (const auto entry : (*root)["blocks"]) {
        Block block;
        block.kind = static_cast<Block::Kind>(bounded(entry.at(0), 3));
        block.level = bounded(entry.at(1), 6);
        block.place = {bounded(entry.at(2), kMost), bounded(entry.at(3), kMost),
                       bounded(entry.at(4), kMost)};
        block.text = clean_text(entry.at(5).string());
        parsed.blocks.push_back(std::move(block));
    }
    return parsed;
}

}  // namespace segue::rag
