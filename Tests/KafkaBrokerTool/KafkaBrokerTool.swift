import ArgumentParser

/// The embedded broker as a process of its own, and the fuzzing of its codec.
@main
struct KafkaBrokerTool: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serves the embedded broker, or fuzzes its codec.", subcommands: [Serve.self, Fuzz.self])
}
