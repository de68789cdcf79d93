require_relative "boot"

require "rails"
require "active_record/railtie"
require "active_job/railtie"
require "action_controller/railtie"
require "resque"
require "resque-scheduler"
require "resque/server"
require "resque/scheduler/server"

module Shop
  class Application < Rails::Application
    config.load_defaults 8.0
    config.eager_load = false
    config.active_job.queue_adapter = :resque
    config.secret_key_base = "not a secret: this application serves nobody"
    config.time_zone = "Berlin"
  end
end
