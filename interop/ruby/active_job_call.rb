# ruby active_job_call.rb CODE: evaluates Ruby code with the classes of active_job_setup.rb, prints the result as JSON.
require_relative "active_job_setup"

# Put every shape that this Rails can carry on its queue; returns their names. Before 7.1 a BigDecimal comes back as
# a String, in Rails itself too.
def enqueue_shapes
  SHAPES.filter_map do |name, shape|
    next if name == "decimal" && ActiveJob.version < Gem::Version.new("7.1")

    args = shape.call
    words = args.last.is_a?(Hash) && Hash.ruby2_keywords_hash?(args.last) ? args.pop : nil
    words ? ShapeJob.perform_later(name, *args, **words) : ShapeJob.perform_later(name, *args)
    name
  rescue ActiveJob::SerializationError
    nil
  end
end

# Let resque-scheduler move what is due within so many seconds.
def move_delayed(seconds)
  Resque::Scheduler.configure { |config| config.quiet = true }
  Resque::Scheduler.instance_variable_set(:@am_master, true)
  Resque::Scheduler.handle_delayed_items(Time.now + seconds)
  true
end

puts JSON.generate(eval(ARGV.fetch(0))) # the tests' own code
