#include "engine/rehearsal/generation.hpp"

#include <algorithm>
#include <utility>

namespace segue::engine::rehearsal {
namespace {

/// Above this the engine waits for a slow reader, as real ones do.
constexpr std::size_t kHighWater = 64 * 1024;
/// What a wrong Content-Length promises beyond the truth.
constexpr std::size_t kMissingBytes = 64;

double seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

Duration from_ms(double milliseconds) {
    return Duration(static_cast<Duration::rep>(milliseconds * 1e6));
}

}  // namespace

Generation::Generation(EngineState& state, net::Responder& responder, net::Headers headers,
                       std::unique_ptr<AnswerWriter> writer, FaultSet faults)
    : state_(state),
      responder_(responder),
      headers_(std::move(headers)),
      writer_(std::move(writer)),
      faults_(std::move(faults)),
      begun_(state.loop.fresh_now()) {
    for (Answer& answer : writer_->answers()) {
        longest_ = std::max(longest_, answer.pieces.size());
        if (faults_.lying_counts) {
            answer.prompt_tokens = answer.prompt_tokens * 10 + 7;
            answer.completion_tokens = answer.completion_tokens * 3 + 1;
        }
    }
}

Generation::~Generation() {
    if (!settled_) ++state_.metrics.aborted;
    settle();
}

void Generation::settle() {
    settled_ = true;
    state_.loop.cancel(timer_);
    state_.metrics.cached_tokens -= std::exchange(held_tokens_, 0);
    state_.slots.leave(std::exchange(ticket_, 0));
}

void Generation::refuse(int status, std::string_view message) {
    const std::string body = writer_->refusal(status, message);
    headers_.set("Content-Type", writer_->refusal_type());
    if (faults_.retry_after) headers_.set("Retry-After", std::to_string(*faults_.retry_after));
    settle();
    responder_.respond(status, headers_, body);
}

void Generation::begin() {
    if (faults_.error_status) {
        ++state_.metrics.failed;
        return refuse(*faults_.error_status, faults_.error_message);
    }
    if (faults_.bad_template) return refuse(400, writer_->template_message());
    if (!faults_.busy) {
        ticket_ = state_.slots.enter([this] { started(); });
    }
    if (ticket_ == 0) {
        ++state_.metrics.refused;
        refuse(503, writer_->busy_message());
    }
}

void Generation::started() {
    running_ = true;
    started_ = state_.loop.fresh_now();
    const std::int64_t prompt = writer_->answers().front().prompt_tokens;
    held_tokens_ = prompt;
    state_.metrics.cached_tokens += prompt;
    const std::size_t running = std::max<std::size_t>(state_.slots.running(), 1);
    const Duration wait = state_.pace.first_token(prompt, running) + from_ms(faults_.slow_first_ms);
    due_ = started_ + wait;
    // Even without latency the first piece comes from the loop: begin() must have returned, and
    // Slots forbids more here.
    timer_ = state_.loop.after(wait, [this] { run(); });
}

void Generation::run() {
    timer_ = {};
    if (first_ == TimePoint{}) {
        first_ = state_.loop.fresh_now();
        state_.metrics.queue_time.observe(seconds(started_ - begun_));
        state_.metrics.prefill_time.observe(seconds(first_ - started_));
        state_.metrics.time_to_first_token.observe(seconds(first_ - begun_));
    }
    step();
}

void Generation::step() {
    const TimePoint now = state_.loop.fresh_now();
    while (position_ < longest_) {
        if (due_ > now) {
            flush();
            timer_ = state_.loop.after(due_ - now, [this] { run(); });
            return;
        }
        if (writer_->streams() && responder_.unsent() + pending_.size() > kHighWater) {
            flush();
            paused_ = responder_.unsent() > kHighWater;
            if (paused_) return;
        }
        if (!send_piece()) return;
        const Duration gap = state_.pace.gap(std::max<std::size_t>(state_.slots.running(), 1)) +
                             from_ms(faults_.slow_gap_ms);
        if (sent_ > 1) state_.metrics.inter_token_latency.observe(seconds(gap));
        due_ += gap;
    }
    // A fault behind the last piece strikes before the end is told.
    if (!strike()) return;
    complete();
}

bool Generation::strike() {
    const auto is_now = [&](const std::optional<std::uint32_t>& after) {
        return after && sent_ == *after;
    };
    if (is_now(faults_.stall_after)) {
        flush();
        return false;
    }
    if (is_now(faults_.drop_after)) {
        ++state_.metrics.failed;
        flush();
        if (!writer_->streams() && sent_ > 0 && !head_sent_) {
            const std::string body = writer_->whole(measured());
            responder_.send_head(200, headers_, net::Responder::Framing::kLength, body.size());
            responder_.send_body(std::string_view(body).substr(0, body.size() / 2));
        }
        settle();
        responder_.abort();
        return false;
    }
    if (!writer_->streams()) return true;
    if (is_now(faults_.garbage_after)) {
        if (!head_sent_) send_head();
        pending_ += writer_->garbage();
        faults_.garbage_after.reset();
    }
    if (is_now(faults_.error_after) || is_now(faults_.end_after)) {
        const bool is_error = is_now(faults_.error_after);
        ++state_.metrics.failed;
        if (!head_sent_) send_head();
        if (is_error) pending_ += writer_->stream_error(faults_.error_message);
        flush();
        settle();
        responder_.finish();
        return false;
    }
    return true;
}

void Generation::send_head() {
    head_sent_ = true;
    headers_.set("Content-Type", writer_->content_type());
    if (faults_.wrong_length) {
        responder_.send_head(200, headers_, net::Responder::Framing::kLength, 1024 * 1024);
    } else {
        responder_.send_head(200, headers_, net::Responder::Framing::kChunked);
    }
    writer_->begin(pending_);
}

bool Generation::send_piece() {
    if (!strike()) return false;
    if (writer_->streams() && !head_sent_) send_head();
    const std::vector<Answer>& answers = writer_->answers();
    for (std::size_t choice = 0; choice < answers.size(); ++choice) {
        const std::vector<Piece>& pieces = answers[choice].pieces;
        if (position_ >= pieces.size()) continue;
        if (writer_->streams()) {
            writer_->piece(choice, pieces[position_], position_ + 1 == pieces.size(), pending_);
        }
        ++held_tokens_;
        ++state_.metrics.cached_tokens;
    }
    ++position_;
    ++sent_;
    return true;
}

void Generation::flush() {
    if (pending_.empty()) return;
    responder_.send_body(pending_);
    pending_.clear();
}

Measured Generation::measured() {
    const TimePoint now = state_.loop.fresh_now();
    const TimePoint first = first_ == TimePoint{} ? now : first_;
    return {now - begun_, started_ - begun_, first - started_, now - first};
}

void Generation::complete() {
    const Measured times = measured();
    EngineMetrics& metrics = state_.metrics;
    metrics.e2e_latency.observe(seconds(times.total));
    metrics.decode_time.observe(seconds(times.decode));
    for (const Answer& answer : writer_->answers()) {
        metrics.generation_tokens += answer.completion_tokens;
        metrics.request_generation_tokens.observe(static_cast<double>(answer.completion_tokens));
        (answer.finish == Answer::Finish::kLength ? metrics.cut : metrics.stopped) += 1;
    }
    const std::int64_t prompt = writer_->answers().front().prompt_tokens;
    metrics.prompt_tokens += prompt;
    metrics.request_prompt_tokens.observe(static_cast<double>(prompt));
    settle();
    if (writer_->streams()) {
        if (!head_sent_) send_head();
        writer_->end(times, pending_);
        flush();
        return faults_.wrong_length ? responder_.abort() : responder_.finish();
    }
    const std::string body = writer_->whole(times);
    headers_.set("Content-Type", writer_->content_type());
    if (!faults_.wrong_length) return responder_.respond(200, headers_, body);
    responder_.send_head(200, headers_, net::Responder::Framing::kLength,
                         body.size() + kMissingBytes);
    responder_.send_body(body);
    responder_.abort();
}

void Generation::on_drained() {
    if (!paused_) return;
    paused_ = false;
    step();
}

}  // namespace segue::engine::rehearsal
