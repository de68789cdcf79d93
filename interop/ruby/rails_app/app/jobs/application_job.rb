class ApplicationJob < ActiveJob::Base
  queue_as :python
end
