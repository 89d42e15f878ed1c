import Testing

@testable import Appliance

@Suite struct ConcealedTests {
    @Test(arguments: [
        "https://id:hush@login/token", "https://id:hu@hush@login/token", "http://u:hush@proxy:3128",
        "u:hush@127.0.0.1:9464",
        "https://h/token?client_secret=hush", "host=db password=hush", "--password=hush", "Authorization: Bearer hush",
        "Authorization: Basic hush", "X-Vault-Token: hush", "{\"password\": \"hush\"}", "AccessKey=hush;Endpoint=x",
        "AWS_SECRET_ACCESS_KEY=hush",
    ])
    func `a secret within a text is hidden`(text: String) {
        #expect(!Concealed.text(text).contains("hush"), "\(Concealed.text(text))")
        #expect(Concealed.text(text).contains("(hidden)"))
    }

    @Test(arguments: [
        "kafka:9092, b:9092", "identity.{aggregate_type}", "127.0.0.1:9464", "[::1]:9464", "https://login/token",
        "32MiB",
        "logicalCluster=lkc-1", "relay@tenant", "application/json; charset=utf-8",
    ])
    func `other texts stay as they are`(text: String) {
        #expect(Concealed.text(text) == text)
    }

    @Test func `what follows an option that names a secret is hidden`() {
        #expect(Concealed.list(["vault", "--token", "hush", "read"]) == ["vault", "--token", "(hidden)", "read"])
        #expect(Concealed.list(["aws", "rds", "--port", "5432"]) == ["aws", "rds", "--port", "5432"])
        #expect(Concealed.list(["aws", "rds", "generate-db-auth-token", "--hostname", "db"]).last == "db")
    }
}
