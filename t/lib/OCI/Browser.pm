# SPDX-License-Identifier: Apache-2.0

# A headless chromium, driven over WebDriver.
#
#     my $browser = OCI::Browser->start;
#     $browser->open("$url/ui/");
#     $browser->wait_for('return document.title === "x"') or ...
#     my $value = $browser->run('return arguments[0] + 1', 1);
#     $browser->click('css selector'); $browser->type('#filter', 'text');
#     $browser->press('Tab');          # also Enter, Escape
#     $browser->tab_to('css selector') or ...
#     $browser->shot('tree-light');    # .build/page/tree-light.png
#     my @lines = $browser->console;   # errors since the last call
#     my @found = $browser->violations if $browser->can_check;   # axe-core
#
# The browser ends with the test.  Options of start: args, further arguments of
# chromium; prefs, its preferences; certificate, the path of a certificate for
# TLS without its suffix .pem, with the key beside it in .key, and origin, the
# server that gets it.

package OCI::Browser;

use strict;
use warnings;

use File::Path qw(make_path);
use File::Temp ();
use HTTP::Tiny;
use JSON::PP ();
use MIME::Base64 qw(decode_base64);
use OCI::Process;
use OCI::Server;
use Time::HiRes qw(sleep time);

my $JSON = JSON::PP->new->utf8->allow_nonref;

sub start {
    my ($class, %option) = @_;
    my $dir = File::Temp->newdir('mod_oci-XXXXXX', TMPDIR => 1);
    give_certificate("$dir", \%option) if $option{certificate};
    my $port = OCI::Server::free_port();
    my $self = bless { dir => $dir, http => HTTP::Tiny->new(timeout => 120),
        base => "http://127.0.0.1:$port" }, $class;
    $self->{process} = OCI::Process->start(
        command => [ 'chromedriver', "--port=$port", '--allowed-ips=127.0.0.1' ],
        output => "$dir/output", env => { HOME => "$dir", TMPDIR => "$dir" });
    $self->{process}->wait_for(
        sub { $self->{http}->get("$self->{base}/status")->{success} }, 60)
        or die 'chromedriver did not start: '
            . OCI::Server::slurp("$dir/output") . "\n";
    my @args = (qw(--headless=new --no-sandbox --disable-gpu --no-first-run
        --disable-dev-shm-usage --disable-background-networking),
        '--window-size=1280,900', "--user-data-dir=$dir/profile",
        @{ $option{args} // [] });
    my $session = $self->call(POST => '/session', { capabilities => {
        alwaysMatch => { browserName => 'chrome',
            'goog:loggingPrefs' => { browser => 'ALL' },
            'goog:chromeOptions' => { args => \@args,
                prefs => $option{prefs} // {} } } } });
    $self->{base} .= "/session/$session->{sessionId}";
    return $self;
}

# Put a certificate where chromium looks for it, and let it be used for a server
# without a question.
sub give_certificate {
    my ($dir, $option) = @_;
    my $from = $option->{certificate};
    make_path("$dir/.pki/nssdb");
    system("openssl pkcs12 -export -passout pass: -in $from.pem "
        . "-inkey $from.key -out $dir/client.p12 2>$dir/output && "
        . "certutil -N --empty-password -d sql:$dir/.pki/nssdb "
        . ">>$dir/output 2>&1 && pk12util -i $dir/client.p12 -W '' "
        . "-d sql:$dir/.pki/nssdb >>$dir/output 2>&1") == 0
        or die 'the certificate cannot be used: '
            . OCI::Server::slurp("$dir/output");
    $option->{prefs}{'profile.content_settings.exceptions.auto_select_certificate'}
        = { "$option->{origin},*" => { setting => { filters => [ {} ] } } };
    return;
}

sub call {
    my ($self, $method, $path, $body) = @_;
    my $answer = $self->{http}->request($method, "$self->{base}$path",
        $method eq 'POST' ? { content => $JSON->encode($body // {}),
            headers => { 'Content-Type' => 'application/json' } } : {});
    my $value = eval { $JSON->decode($answer->{content})->{value} };
    $answer->{success} or die "WebDriver: $method $path: "
        . (ref $value ? "$value->{error}: $value->{message}"
                      : $answer->{content}) . "\n";
    return $value;
}

sub stop {
    my $self = shift;
    eval { $self->call(DELETE => '') };
    $self->{process}->stop;
    return;
}

sub open { $_[0]->call(POST => '/url', { url => $_[1] }) }
sub url  { $_[0]->call(GET => '/url') }

sub run {
    my ($self, $script, @arguments) = @_;
    return $self->call(POST => '/execute/sync',
        { script => $script, args => \@arguments });
}

# Send a command of the DevTools protocol.
sub devtools {
    my ($self, $command, $parameters) = @_;
    return $self->call(POST => '/goog/cdp/execute',
        { cmd => $command, params => $parameters // {} });
}

# Wait until a script returns a true value, and return it.
sub wait_for {
    my ($self, $script, @arguments) = @_;
    my $end = time + 120;
    my $value;
    until ($value = $self->run($script, @arguments)) {
        return if time > $end;
        sleep 0.1;
    }
    return $value;
}

# Wait until the text of an element matches; returns it.
sub text_like {
    my ($self, $selector, $pattern) = @_;
    my $end = time + 120;
    my $text;
    do {
        $text = $self->run('return document.querySelector(arguments[0])
            ?.innerText ?? ""', $selector);
        return $text if $text =~ $pattern;
        sleep 0.1;
    } until time > $end;
    return $text;
}

sub element {
    my ($self, $selector) = @_;
    $self->wait_for('return document.querySelector(arguments[0]) !== null',
        $selector) or die "no element $selector\n";
    my $found = $self->call(POST => '/element',
        { using => 'css selector', value => $selector });
    return (values %$found)[0];
}

sub click {
    my ($self, $selector) = @_;
    return $self->call(POST => '/element/' . $self->element($selector)
        . '/click');
}

sub type {
    my ($self, $selector, $text) = @_;
    return $self->call(POST => '/element/' . $self->element($selector)
        . '/value', { text => $text });
}

my %KEY = (Tab => "\x{e004}", Enter => "\x{e007}", Escape => "\x{e00c}");

# Press a key, wherever the focus is.
sub press {
    my ($self, $name) = @_;
    return $self->call(POST => '/actions', { actions => [ { type => 'key',
        id => 'keyboard', actions => [ map { { type => $_,
            value => $KEY{$name} } } qw(keyDown keyUp) ] } ] });
}

# Press Tab until the focus is on an element.  True if that succeeds, and if
# everything that had the focus on the way shows it.
sub tab_to {
    my ($self, $selector) = @_;
    for (1 .. 100) {
        $self->press('Tab');
        my $found = $self->run('const e = document.activeElement;
            const shown = getComputedStyle(e).outlineStyle !== "none";
            return e === document.body ? 0 : !shown ? -1
                : e.matches(arguments[0]) ? 1 : 0', $selector);
        return $found == 1 if $found;
    }
    return;
}

# Keep a screenshot for people to look at.
sub shot {
    my ($self, $name) = @_;
    my $dir = "$OCI::Server::TOP/.build/page";
    make_path($dir);
    return OCI::Server::spew("$dir/$name.png",
        decode_base64($self->call(GET => '/screenshot')));
}

my $axe;

# Whether axe-core is there, which checks the accessibility.
sub can_check {
    if (!defined $axe) {
        chomp(my $path = `$OCI::Server::TOP/t/setup/axe.sh 2>/dev/null`);
        $axe = $path ? OCI::Server::slurp($path) : '';
    }
    return $axe ne '';
}

# What it finds in the page as it is shown now.
sub violations {
    my $self = shift;
    $self->run("$axe; window.result = undefined;
        axe.run().then((r) => { window.result = r.violations.map((v) =>
            `\${v.id}: \${v.nodes.map((n) => n.html).join(' ')}`); });");
    return @{ $self->wait_for('return window.result') // ['no result'] };
}

# The errors and warnings of the console since the last call.
sub console {
    my $self = shift;
    return map { $_->{message} } grep { $_->{level} =~ /SEVERE|WARNING/ }
        @{ $self->call(POST => '/se/log', { type => 'browser' }) };
}

1;
