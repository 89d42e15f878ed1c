/// `jobs`: whether this process runs jobs that were handed to relays.
package struct JobsSection: Sendable {
    package var isRunning: Bool

    init(_ values: inout ConfigurationValues) {
        isRunning = values.boolean("jobs.run")
    }
}
