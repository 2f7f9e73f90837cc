Console.WriteLine("The app model comes next.");
