#include "llm/openai/engine/overflow.hpp"

#include "base/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace segue::llm::openai_engine {
namespace {

constexpr std::string_view kGap = " … ";
/// Each cut comes nearer; text that is still too long then is no ordinary text.
constexpr int kMostCuts = 12;

/// The first and the last half of `keep` bytes, never cut inside a code point.
std::string without_middle(std::string_view text, std::size_t keep) {
    if (keep >= text.size()) return std::string(text);
    std::size_t head = keep / 2;
    std::size_t tail = text.size() - (keep - head);
    while (head > 0 && continues_code_point(text[head]))
        --head;
    while (tail < text.size() && continues_code_point(text[tail]))
        ++tail;
    return fmt::format("{}{}{}", text.substr(0, head), kGap, text.substr(tail));
}

bool is_system(const Message& message) {
    return message.role == "system" || message.role == "developer";
}

}  // namespace

Shortener::Shortener(std::vector<Message> messages, std::int64_t limit, TextCut text_cut)
    : messages_(std::move(messages)), limit_(limit), text_cut_(text_cut) {
    std::vector<Group> groups;
    for (std::size_t i = 0; i < messages_.size(); ++i) {
        if (is_system(messages_[i])) continue;
        // A result never stands without its call.
        const bool follows = messages_[i].role == "tool" && !groups.empty() &&
                             groups.back().first + groups.back().size == i;
        if (follows) {
            ++groups.back().size;
        } else {
            groups.push_back({i, 1});
        }
    }
    // What was asked last stays.
    if (!groups.empty()) groups.pop_back();
    droppable_ = std::move(groups);
    phase_ = Phase::kAllDropped;
    high_ = droppable_.size();
    try_dropping(high_);
}

void Shortener::try_dropping(std::size_t groups) {
    tried_ = groups;
    dropped_messages_ = 0;
    candidate_.clear();
    std::size_t group = 0;
    for (std::size_t i = 0; i < messages_.size(); ++i) {
        while (group < groups && i >= droppable_[group].first + droppable_[group].size)
            ++group;
        if (group < groups && i >= droppable_[group].first) {
            ++dropped_messages_;
        } else {
            candidate_.push_back(messages_[i]);
        }
    }
    state_ = State::kCount;
}

void Shortener::counted(std::int64_t tokens) {
    last_count_ = tokens;
    const bool fits = tokens <= limit_;
    switch (phase_) {
        case Phase::kAllDropped:
            if (!fits) {
                phase_ = Phase::kCutting;
                count_before_cut_ = tokens;
                return cut_text(tokens);
            }
            phase_ = Phase::kSearching;
            break;
        case Phase::kSearching: (fits ? high_ : low_) = tried_; break;
        case Phase::kCutting:
            if (!fits) return cut_text(tokens);
            cut_tokens_ = count_before_cut_ - tokens;
            state_ = State::kFits;
            return;
    }
    // None dropped was too long: that is why we are here. So low_ is too few even at 0.
    if (high_ - low_ > 1) return try_dropping(low_ + (high_ - low_) / 2);
    if (tried_ != high_) try_dropping(high_);
    state_ = State::kFits;
}

void Shortener::cut_text(std::int64_t tokens) {
    state_ = State::kHopeless;
    if (text_cut_ == TextCut::kForbidden || ++cuts_ > kMostCuts || tokens <= 0) return;
    if (original_text_.empty()) {
        for (std::size_t i = 0; i < candidate_.size(); ++i) {
            for (std::size_t p = 0; p < candidate_[i].parts.size(); ++p) {
                const auto* text = std::get_if<TextPart>(&candidate_[i].parts[p]);
                if (text == nullptr || text->text.size() <= original_text_.size()) continue;
                original_text_ = text->text;
                cut_message_ = i;
                cut_part_ = p;
            }
        }
        kept_bytes_ = original_text_.size();
    }
    if (kept_bytes_ == 0) return;
    // As many bytes a token as the whole has, and a little more: the next count should be the last.
    std::size_t total = 0;
    for (const Message& message : candidate_)
        total += message.text().size();
    const double bytes_a_token = static_cast<double>(total) / static_cast<double>(tokens);
    const std::int64_t excess = tokens - limit_ + std::max<std::int64_t>(4, limit_ / 100);
    const auto goes =
        static_cast<std::size_t>(static_cast<double>(excess) * std::max(bytes_a_token, 0.25)) + 4;
    kept_bytes_ = kept_bytes_ > goes ? kept_bytes_ - goes : 0;
    std::get<TextPart>(candidate_[cut_message_].parts[cut_part_]).text =
        without_middle(original_text_, kept_bytes_);
    state_ = State::kCount;
}

void Shortener::declare(Declarations& declared) const {
    if (dropped_messages_ > 0) declared.adjust(fmt::format("messages(-{})", dropped_messages_));
    if (cut_tokens_ > 0) declared.adjust(fmt::format("text(-{} tokens)", cut_tokens_));
}

std::int64_t estimate_tokens(const std::vector<Message>& messages) {
    // Three bytes a token and four for each message's frame: rather too many than too few.
    std::int64_t tokens = 8;
    for (const Message& message : messages) {
        std::size_t bytes = message.text().size() + message.reasoning.size();
        for (const ToolCall& call : message.tool_calls)
            bytes += call.name.size() + call.arguments.size();
        tokens += static_cast<std::int64_t>(bytes / 3) + 5;
    }
    return tokens;
}

std::int64_t quarter_of_characters(const ChatRequest& request) {
    std::size_t characters = 0;
    const auto add = [&](std::string_view text) {
        characters += static_cast<std::size_t>(std::count_if(
            text.begin(), text.end(), [](char c) { return !continues_code_point(c); }));
    };
    for (const Message& message : request.messages) {
        add(message.text());
        add(message.reasoning);
        for (const ToolCall& call : message.tool_calls) {
            add(call.name);
            add(call.arguments);
        }
    }
    for (const std::string& tool : request.tools)
        add(tool);
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(characters / 4));
}

}  // namespace segue::llm::openai_engine
