/// A schema of its own with the document tables, dropped at the end; one that a killed process left
/// behind is dropped by the next.
///
/// Thread: the caller's. Lifetime: the pool's users end first.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "store/connection.hpp"
#include "store/pool.hpp"

namespace segue::rag::eval {

class ScratchStore {
public:
    static Result<std::unique_ptr<ScratchStore>> make(
        const std::function<Result<std::string>()>& endpoint);
    ~ScratchStore();
    ScratchStore(const ScratchStore&) = delete;
    ScratchStore& operator=(const ScratchStore&) = delete;
    store::Pool& pool() { return *pool_; }

private:
    ScratchStore(std::unique_ptr<store::Connection> owner, std::string schema)
        : owner_(std::move(owner)), schema_(std::move(schema)) {}
    std::unique_ptr<store::Connection> owner_;  // holds the lock that says "in use"
    std::string schema_;
    std::unique_ptr<store::Pool> pool_;
};

}  // namespace segue::rag::eval
