import ArgumentParser

/// The embedded broker as a process of its own.
@main
struct KafkaBrokerTool: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serves the embedded broker.", subcommands: [Serve.self])
}
