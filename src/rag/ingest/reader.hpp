/// Reads documents: bytes in, passages out. The parsing happens in a child process (this program
/// again, `segue parse-documents`) that has no network and no files, little memory and little time:
/// what a hostile file does to a parser ends there, with a reason.
///
/// Thread: one at a time for a Reader. Lifetime: the child ends with it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "rag/ingest/parsers.hpp"

namespace segue::rag {

struct ReadLimits {
    std::size_t file_bytes = 256U << 20U;   // a larger file is refused
    std::size_t output_bytes = 64U << 20U;  // text that comes out of one file
    std::size_t memory_bytes = 1U << 30U;
    std::chrono::seconds time{60};
};

class DocumentReader {
public:
    /// `program` is the segue whose child parses; "" = this one.
    explicit DocumentReader(std::string program = "", ReadLimits limits = {});
    ~DocumentReader();
    DocumentReader(const DocumentReader&) = delete;
    DocumentReader& operator=(const DocumentReader&) = delete;

    /// The document below `path` (its name in the collection), read and cut.
    Result<ReadDocument> read(std::string_view path, std::string_view bytes);

private:
    Result<Parsed> parse_in_child(Format format, std::string_view path, std::string_view bytes);
    Result<void> start();
    void stop();
    Result<std::string> exchange(std::string_view request);
    std::string why_it_ended();

    std::string program_;
    ReadLimits limits_;
    pid_t child_ = 0;
    int to_child_ = -1;
    int from_child_ = -1;
    int files_ = 0;  // that this child has read
};

/// What the child does until its input ends: called by the hidden subcommand. Answers the exit
/// code.
int run_parser_child(const ReadLimits& limits);

}  // namespace segue::rag
