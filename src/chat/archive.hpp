/// Conversations in the store. Every question names the person who asks, and that person's rights
/// are a part of the statement itself: what is somebody else's does not exist (kNotFound).
///
/// Thread: any; blocks. Lifetime: shorter than the pool's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "chat/types.hpp"
#include "store/pool.hpp"

namespace segue::chat {

struct ConversationFilter {
    std::string query;  // words in titles and messages; "" = all
    bool archived = false;
    std::string before;  // what an earlier page said
    std::int64_t limit = 50;
};
struct ConversationPage {
    std::vector<Conversation> conversations;
    std::optional<std::string> next;
};

struct NewConversation {
    std::string title;
    std::string model;
    std::vector<std::string> collections;
    std::string system;
    std::string preset;
};

struct ConversationChange {
    std::optional<std::string> title;
    std::optional<std::string> model;
    std::optional<std::vector<std::string>> collections;
    std::optional<std::string> system;
    std::optional<bool> pinned;
    std::optional<bool> archived;
    std::optional<std::string> leaf;
};

/// One branch, or a part of it.
struct Branch {
    std::vector<Message> messages;  // from the root on
    std::optional<std::string> leaf;
    std::optional<std::string> earlier;  // message before which there is more
};

struct Question {
    std::optional<std::string> parent;
    std::string text;
    std::vector<Image> images;
    std::string model;
    std::vector<std::string> collections;
};

/// An answer that has to be made.
struct Started {
    Message question;
    Message answer;
};

struct Shared {
    std::string title;
    std::string owner;
    WallTime created{};
    std::vector<Message> messages;
};

class Archive {
public:
    explicit Archive(store::Pool& pool) : pool_(pool) {}

    Result<ConversationPage> list(const Person& person, const ConversationFilter& filter);
    Result<Conversation> create(const Person& person, const NewConversation& wanted);
    Result<Conversation> find(const Person& person, std::string_view id);
    Result<Conversation> change(const Person& person, std::string_view id,
                                const ConversationChange& change);
    Result<void> remove(const Person& person, std::string_view id);

    /// `leaf` "" = the shown branch; any other message: the branch through it (its newest end).
    Result<Branch> branch(const Person& person, std::string_view conversation,
                          std::string_view leaf, std::string_view before, std::int64_t limit);
    Result<Message> message(const Person& person, std::string_view id);
    /// Every message, in the order in which they were made.
    Result<std::vector<Message>> tree(const Person& person, std::string_view conversation);

    /// Keeps the question, and an answer that is running. kConflict: the parent is still running.
    Result<Started> ask(const Person& person, std::string_view conversation,
                        const Question& question);
    /// A new answer beside `answer`.
    Result<Started> ask_again(const Person& person, std::string_view answer,
                              std::string_view model);
    /// Makes an answer that broke off, or was stopped, run again.
    Result<Started> resume(const Person& person, std::string_view answer);

    /// What came so far of a running answer.
    Result<void> save_progress(const Message& answer);
    /// The answer as it stays. Nothing happens when it was deleted meanwhile.
    Result<void> save(const Message& answer);
    /// Answers that nobody makes any more (their program is gone) are incomplete. `older`: not
    /// saved for that long.
    Result<std::uint64_t> give_up_running(std::chrono::seconds older);

    Result<void> rate(const Person& person, std::string_view message,
                      const std::optional<Feedback>& feedback);

    Result<Share> share(const Person& person, std::string_view conversation,
                        const std::optional<std::vector<std::string>>& people);
    Result<void> unshare(const Person& person, std::string_view conversation);
    /// For anybody whom it is shared with, and its owner.
    Result<Shared> shared(const Person& person, std::string_view token);

    Result<std::vector<Preset>> presets(const Person& person);
    Result<Preset> add_preset(const Person& person, std::string_view name, std::string_view text,
                              bool shared);
    /// One's own; `any_shared`: also those that everybody sees. What it was.
    Result<Preset> remove_preset(const Person& person, std::string_view id, bool any_shared);

private:
    store::Pool& pool_;
};

/// A title made of a question: its first words.
std::string title_of(std::string_view question);

}  // namespace segue::chat
