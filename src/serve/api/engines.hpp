/// Handlers of what people do with one engine: take it out of service and back, ask it now how it
/// is, read what became of it.
///
/// Thread: crew threads; log() also a worker.
#pragma once

#include "serve/api/context.hpp"
#include "serve/api/reply.hpp"
#include "serve/api/request.hpp"

namespace segue::serve::api::engines {

Reply log(Context&, const Request&);
Reply drain(Context&, const Request&);
Reply resume(Context&, const Request&);
/// Waits for the answer of the engine, for some seconds at most.
Reply probe(Context&, const Request&);

}  // namespace segue::serve::api::engines
