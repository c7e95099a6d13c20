// sys/jobs: what goes on in the background.

#include "server/sys/handlers.h"
#include "server/sys/job_body.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

using dek::JobState;

Result<api::Response> list(Core& core, const api::Request&, api::Context&) {
  TRY_ASSIGN(const auto all, core.reencryptor().list());
  std::vector<std::string_view> ids;
  std::string json;
  JsonWriter out(json);
  out.begin_object().key("key_info").begin_object();
  for (const dek::Job& job : all) {
    ids.push_back(job.id);
    out.key(job.id);
    write_job(job, out);
  }
  out.end_object().key("keys").strings(ids).end_object();
  return api::Response::with_data(std::move(json));
}

Result<api::Response> read(Core& core, const api::Request& request,
                           api::Context&) {
  const auto found = core.reencryptor().find(request.param("id"));
  if (found) return shown_job(*found);
  if (found.error().code() == ErrorCode::kNotFound) {
    return api::Response::none();
  }
  return fail(found.error());
}

template <JobState kState>
Result<api::Response> set_state(Core& core, const api::Request& request,
                                api::Context&) {
  TRY_ASSIGN(const auto job,
             core.reencryptor().set_state(request.param("id"), kState));
  return shown_job(job);
}

}  // namespace

void add_job_routes(Core& core, Routes& routes) {
  using api::Operation;
  constexpr std::string_view kList = "Lists the jobs, the newest first.";
  const api::Field id{"id", api::FieldType::kString, "The job's UUID."};
  routes.push_back({.pattern = "jobs",
                    .fields = {},
                    .methods = {method(core, Operation::kRead, list, kList),
                                method(core, Operation::kList, list, kList)},
                    .synopsis = "What goes on in the background."});
  routes.push_back({.pattern = "jobs/:id",
                    .fields = {id},
                    .methods = {method(core, Operation::kRead, read,
                                       "Shows how far a job is.")},
                    .synopsis = "One job."});
  const auto action = [&](std::string_view pattern, SysHandler handler,
                          std::string_view summary) {
    routes.push_back(
        {.pattern = pattern,
         .fields = {id},
         .methods = {method(core, Operation::kUpdate, handler, summary)},
         .synopsis = summary});
  };
  action("jobs/:id/pause", set_state<JobState::kPaused>,
         "Pauses a job, until it is resumed.");
  action("jobs/:id/resume", set_state<JobState::kRunning>,
         "Resumes a paused job.");
  action("jobs/:id/cancel", set_state<JobState::kCancelled>,
         "Ends a job; what it did stays.");
}

}  // namespace bulla::server
