/// Files for one conversation alone: read in the sandbox, kept as passages, and offered to each
/// answer: whole where they are short, else by the words of the question.
///
/// Thread: any; blocks; one file is read at a time. Lifetime: shorter than the pool's.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "chat/types.hpp"
#include "rag/ingest/reader.hpp"
#include "store/pool.hpp"

namespace segue::chat {

class Files {
public:
    explicit Files(store::Pool& pool) : pool_(pool) {}

    /// A file that cannot be read is kept with the reason, so that the page can say it.
    Result<File> add(const Person& person, std::string_view conversation, std::string_view name,
                     std::string_view bytes);
    Result<void> remove(const Person& person, std::string_view conversation, std::string_view id);
    Result<std::vector<File>> list(const Person& person, std::string_view conversation);
    /// Of all files of the conversation, numbered from 1.
    Result<std::vector<Source>> sources(const Person& person, std::string_view conversation,
                                        std::string_view question);

private:
    store::Pool& pool_;
    std::mutex mutex_;
    rag::DocumentReader reader_;
};

/// Those that go into a prompt: all, where they have at most `budget` tokens together; else the
/// ones with most of the question's rarer words, filled up from the beginning. In their order.
/// Pure.
std::vector<Source> choose_passages(std::vector<Source> all, std::string_view question,
                                    std::int64_t budget);

}  // namespace segue::chat
