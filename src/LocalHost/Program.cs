Console.WriteLine("tidemark");
