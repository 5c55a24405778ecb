#:package OpenAI@2.*
using System.ClientModel;
using OpenAI;
using OpenAI.Chat;

var endpoint = new Uri(Environment.GetEnvironmentVariable("OPENAI_BASE_URL")!);
var key = new ApiKeyCredential(Environment.GetEnvironmentVariable("OPENAI_API_KEY")!);
var client = new OpenAIClient(key, new OpenAIClientOptions { Endpoint = endpoint });
var chat = client.GetChatClient(Environment.GetEnvironmentVariable("MODEL")!);
await foreach (var update in chat.CompleteChatStreamingAsync("Hello"))
{
    foreach (ChatMessageContentPart part in update.ContentUpdate)
    {
        Console.Write(part.Text);
    }
}
Console.WriteLine();
