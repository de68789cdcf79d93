# Real Resque's API as a filter: one JSON request per line in, one JSON answer per line out, in order:
#   {"op":"enqueue","class":"EchoJob","args":[1]}   ->   {"ok":true}   or   {"error":"Class: message"}
# OPS below is the list of requests. A request may say
#   "define":true   the class need not exist in Ruby; "queue" is then its queue
#   "list":L        failure_* of one list, for FAILURE_BACKEND=redis_multi_queue
require_relative "jobs"
require "json"

# Stands for a class that Ruby does not have: Resque asks it for its name, its queue and (in vain) hooks.
# No constant is needed, so any name will do ("myapp.jobs.Thing").
def stub_class(name, queue)
  Class.new do
    @queue = queue
    define_singleton_method(:to_s) { name }
  end
end

def job_class(request)
  request["define"] ? stub_class(request.fetch("class"), request["queue"]) : Resque.constantize(request.fetch("class"))
end

def describe(worker)
  { id: worker.to_s, state: worker.state, started: worker.started, heartbeat: worker.heartbeat,
    processed: worker.processed, failed: worker.failed, job: worker.job }
end

# Resque's own defaults differ between its versions and backends; nothing is passed that was not asked for.
def failures(request)
  found = Resque::Failure.all(request.fetch("offset", 0), request.fetch("limit", 50), *request["list"])
  found.is_a?(Array) ? found : [found].compact # one record comes bare
end

OPS = {
  # jobs
  "enqueue" => ->(r) { Resque.enqueue(job_class(r), *r["args"]) },
  "enqueue_to" => ->(r) { Resque.enqueue_to(r.fetch("queue"), job_class(r), *r["args"]) },
  "dequeue" => ->(r) { Resque.dequeue(job_class(r), *r["args"]) },
  "push" => ->(r) { Resque.push(r.fetch("queue"), r.fetch("item")) },
  "pop" => ->(r) { Resque.pop(r.fetch("queue")) },
  # queues
  "queues" => ->(_) { Resque.queues.sort },
  "size" => ->(r) { Resque.size(r.fetch("queue")) },
  "peek" => ->(r) { Resque.peek(r.fetch("queue"), r.fetch("start", 0), r.fetch("count", 1)) },
  "remove_queue" => ->(r) { Resque.remove_queue(r.fetch("queue")) },
  # failures
  "failures" => ->(r) { failures(r) },
  "failure_count" => ->(r) { Resque::Failure.count(*r["list"]) },
  "failure_lists" => ->(_) { Resque::Failure.queues },
  "failure_requeue" => ->(r) { Resque::Failure.requeue(r.fetch("index"), *r["list"]) },
  "failure_remove" => ->(r) { Resque::Failure.remove(r.fetch("index"), *r["list"]) },
  "failure_clear" => ->(r) { Resque::Failure.clear(*r["list"]) },
  "clear_retried" => ->(_) { Resque::Failure.clear_retried },
  # `rake resque:failures:sort`
  "failures_sort" => lambda do |_|
    require "rake"
    require "resque/tasks"
    Rake::Task["resque:failures:sort"].execute
    true
  end,
  "requeue_all" => ->(_) { Resque::Failure.requeue_all },
  "requeue_queue" => ->(r) { Resque::Failure.requeue_queue(r.fetch("queue")) },
  # workers
  "workers" => ->(_) { Resque.workers.sort_by(&:to_s).map { |worker| describe(worker) } },
  "working" => ->(_) { Resque.working.sort_by(&:to_s).map { |worker| describe(worker) } },
  # As a worker for "queues" would at its start. Every run takes a lock for a minute: "force" drops it first.
  "prune" => lambda do |r|
    Resque.redis.del("pruning_dead_workers_in_progress") if r["force"]
    Resque::Worker.new(*r.fetch("queues", ["x"])).prune_dead_workers
    true # what it answers means nothing
  end,
  # the rest
  "info" => ->(_) { Resque.info },
  "stat" => ->(r) { Resque::Stat[r.fetch("name")] },
  "version" => lambda do |_|
    { resque: Resque::VERSION, ruby: RUBY_VERSION, redis_rb: Redis::VERSION, json: JSON::VERSION,
      multi_json: MultiJson.adapter.to_s, redis: Resque.redis.redis.info["redis_version"] }
  end
}.freeze

def answer(line)
  request = JSON.parse(line, allow_nan: true) # what Ruby does with NaN is worth a test
  JSON.generate(ok: OPS.fetch(request.fetch("op")).call(request))
rescue StandardError => e
  JSON.generate(error: "#{e.class}: #{e.message}".scrub("?"))
end

$stdin.set_encoding(Encoding::UTF_8) # whatever the locale says
$stdout.sync = true
$stdin.each_line { |line| puts answer(line) unless line.strip.empty? }
